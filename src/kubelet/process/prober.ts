import type { Container, Probe } from '../../kinds/core/containers.ts'
import type { Clock, Exec, Network } from '../../world/world.ts'
import { NetworkError } from '../../world/world.ts'

export interface ProberTools {
  readonly clock: Clock
  readonly network: Network
  readonly exec: Exec
}

/** Where a container is, for its checks. */
export interface ProbeTarget {
  readonly container: Container
  readonly address: string
  readonly env: Readonly<Record<string, string>>
}

/** Says what is wrong; nothing when all is well. */
export type Fault = string | undefined

const bodyBytes = 10 * 1024

/** Does one check. Never rejects. */
export async function check(probe: Probe, target: ProbeTarget, tools: ProberTools): Promise<Fault> {
  const timeoutMs = (probe.timeoutSeconds || 1) * 1000
  try {
    if (probe.exec) return await checkCommand(probe.exec.command ?? [], timeoutMs, target, tools)
    if (probe.httpGet) return await checkHttp(probe.httpGet, timeoutMs, target, tools)
    const port = probe.tcpSocket?.port ?? probe.grpc?.port
    if (port !== undefined) return await checkPort(probe.tcpSocket?.host, port, timeoutMs, target, tools)
    return 'the probe names nothing to do'
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

async function checkCommand(
  [program, ...args]: readonly string[],
  timeoutMs: number,
  { env }: ProbeTarget,
  { exec }: ProberTools,
): Promise<Fault> {
  if (program === undefined) return 'the probe names no command'
  const { code, stdout, stderr } = await exec.run(program, args, { env, timeoutMs })
  if (code === undefined)
    return `command timed out: ${JSON.stringify([program, ...args].join(' '))} timed out after ${timeoutMs / 1000}s`
  return code === 0 ? undefined : (stderr || stdout).trim() || `it ended with code ${code}`
}

async function checkHttp(
  get: NonNullable<Probe['httpGet']>,
  timeoutMs: number,
  target: ProbeTarget,
  { network }: ProberTools,
): Promise<Fault> {
  const scheme = (get.scheme ?? 'HTTP').toLowerCase()
  const host = get.host || target.address
  const path = get.path?.startsWith('/') ? get.path : `/${get.path ?? ''}`
  const headers = Object.fromEntries(
    (get.httpHeaders ?? []).map(({ name, value }) => [name.toLowerCase(), value ?? '']),
  )
  const answer = await network.request({
    url: `${scheme}://${inUrl(host)}:${portOf(get.port, target.container)}${path}`,
    headers: { 'user-agent': 'kube-probe/1.36', accept: '*/*', connection: 'close', ...headers },
    timeoutMs,
    ...(scheme === 'https' && { tls: { skipServerVerification: true } }),
  })
  const isWell = answer.status >= 200 && answer.status < 400
  await answer.text(bodyBytes).catch(() => answer.close())
  return isWell ? undefined : `HTTP probe failed with statuscode: ${answer.status}`
}

/** Somebody must take the connection; what he makes of a request is his. */
async function checkPort(
  host: string | undefined,
  port: string | number,
  timeoutMs: number,
  target: ProbeTarget,
  { network }: ProberTools,
): Promise<Fault> {
  try {
    const url = `http://${inUrl(host || target.address)}:${portOf(port, target.container)}/`
    const answer = await network.request({ url, timeoutMs })
    answer.close()
    return undefined
  } catch (error) {
    if (error instanceof NetworkError && (error.reason === 'lost' || error.reason === 'tls')) return undefined
    throw error
  }
}

const inUrl = (host: string) => (host.includes(':') ? `[${host}]` : host)

function portOf(port: string | number, container: Container): number {
  if (typeof port === 'number') return port
  const named = container.ports?.find(({ name }) => name === port)?.containerPort
  if (named === undefined && !/^\d+$/.test(port)) throw new Error(`couldn't find port: ${port}`)
  return named ?? Number(port)
}

/**
 * Repeats a check and says when its outcome has changed for good: after as many successes or failures in a row as the
 * probe wants. Goes on until the signal.
 */
export async function repeat(
  probe: Probe,
  target: ProbeTarget,
  tools: ProberTools,
  signal: AbortSignal,
  turned: (isWell: boolean, fault: string) => void,
  failed: (fault: string) => void,
): Promise<void> {
  const { initialDelaySeconds = 0, successThreshold, failureThreshold } = probe
  const periodMs = (probe.periodSeconds || 10) * 1000
  let last: boolean | undefined
  let inARow = 0
  let isWell: boolean | undefined
  await tools.clock.after(initialDelaySeconds * 1000, signal)
  while (!signal.aborted) {
    const fault = await check(probe, target, tools)
    if (signal.aborted) return
    const now = fault === undefined
    inARow = now === last ? inARow + 1 : 1
    last = now
    if (fault !== undefined) failed(fault)
    const needed = now ? successThreshold || 1 : failureThreshold || 3
    if (inARow >= needed && isWell !== now) {
      isWell = now
      turned(now, fault ?? '')
    }
    await tools.clock.after(periodMs, signal)
  }
}
