import { parseDuration } from '../../base/duration.ts'
import type { Container, Probe } from '../../kinds/core/containers.ts'
import type { Clock } from '../../world/world.ts'

/** What a pod says of one of its probes: well or not, from how long after the container's start on. */
export type Verdicts = readonly { readonly fromMs: number; readonly isWell: boolean }[]

export type ProbeSort = 'startup' | 'readiness' | 'liveness'

export const probeSorts: readonly ProbeSort[] = ['startup', 'readiness', 'liveness']

/** The probe of a container; nothing when it has none of the sort. */
export const probeOf = (container: Container, sort: ProbeSort): Probe | undefined => container[`${sort}Probe`]

/**
 * Reads `ok`, `fail`, or `ok 30s=fail 1m=ok`.
 * @throws Error with what is wrong
 */
export function parseVerdicts(text: string): Verdicts {
  const [first = '', ...later] = text.trim().split(/\s+/)
  const verdicts = [{ fromMs: 0, isWell: isWell(first) }]
  for (const change of later) {
    const [time = '', word = ''] = change.split('=')
    verdicts.push({ fromMs: parseDuration(time), isWell: isWell(word) })
  }
  return verdicts.sort((a, b) => a.fromMs - b.fromMs)
}

function isWell(word: string): boolean {
  if (word !== 'ok' && word !== 'fail') throw new Error(`${JSON.stringify(word)} is neither ok nor fail`)
  return word === 'ok'
}

const verdictAt = (verdicts: Verdicts, ms: number): boolean => verdicts.findLast(({ fromMs }) => fromMs <= ms)!.isWell

export interface ProbedContainer {
  readonly container: Container
  readonly address: string
  /** By the clock that only goes forward. */
  readonly startedAtMs: number
  hasStarted: boolean
  readonly isReady: boolean
  setReady(ready: boolean): void
  /** A check has failed. */
  unhealthy(sort: ProbeSort, fault: string): void
  /** It has failed so often that the container is to be started again. */
  restart(sort: ProbeSort, probe: Probe): void
}

/** Asks a container's probes at their times, until the signal. What its pod says nothing of is well. */
export async function probe(
  container: ProbedContainer,
  verdicts: (sort: ProbeSort) => Verdicts | undefined,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const run = (sort: ProbeSort, probe: Probe, known: boolean | undefined, turned: (isWell: boolean) => boolean) =>
    repeat({ container, sort, probe, known, turned, verdicts: verdicts(sort), clock, signal })
  const { startupProbe, readinessProbe, livenessProbe } = container.container
  if (startupProbe && !container.hasStarted) {
    let isWell = false
    await run('startup', startupProbe, undefined, (well) => {
      isWell = well
      return true
    })
    if (signal.aborted) return
    if (!isWell) return container.restart('startup', startupProbe)
  }
  container.hasStarted = true
  const readiness = readinessProbe
    ? run('readiness', readinessProbe, container.isReady, (isWell) => {
        container.setReady(isWell)
        return false
      })
    : container.setReady(true)
  const liveness =
    livenessProbe &&
    run('liveness', livenessProbe, true, (isWell) => {
      if (!isWell) container.restart('liveness', livenessProbe)
      return !isWell
    })
  await Promise.all([readiness, liveness])
}

interface Repeated {
  readonly container: ProbedContainer
  readonly sort: ProbeSort
  readonly probe: Probe
  /** What is known so far. */
  readonly known: boolean | undefined
  readonly verdicts: Verdicts | undefined
  readonly clock: Clock
  readonly signal: AbortSignal
  /** The outcome is another one, after as many checks in a row as the probe wants. True ends it. */
  turned(isWell: boolean): boolean
}

async function repeat({ container, sort, probe, known, verdicts, clock, signal, turned }: Repeated): Promise<void> {
  let outcome = known
  let [last, inARow] = [known, 0]
  const ageMs = () => clock.monotonic() - container.startedAtMs
  await clock.after(Math.max(0, (probe.initialDelaySeconds ?? 0) * 1000 - ageMs()), signal)
  while (!signal.aborted) {
    const isWell = verdicts === undefined || verdictAt(verdicts, ageMs())
    inARow = isWell === last ? inARow + 1 : 1
    last = isWell
    if (!isWell) container.unhealthy(sort, faultOf(probe, container.address))
    const needed = isWell ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3)
    if (inARow >= needed && outcome !== isWell) {
      outcome = isWell
      if (turned(isWell)) return
    }
    // Where nothing is to change any more nobody needs to look.
    if (isWell && outcome && (verdicts?.every((one) => one.isWell || one.fromMs < ageMs()) ?? true)) return
    await clock.after((probe.periodSeconds || 10) * 1000, signal)
  }
}

/** As a kubelet says it. */
function faultOf({ httpGet, tcpSocket, grpc }: Probe, address: string): string {
  if (httpGet) return 'HTTP probe failed with statuscode: 500'
  if (tcpSocket) return `dial tcp ${tcpSocket.host || address}:${tcpSocket.port}: connect: connection refused`
  if (grpc) return 'service unhealthy (responded with "NOT_SERVING")'
  // A command's output, of which there is none.
  return ''
}
