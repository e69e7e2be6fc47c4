import type { KubeconfigEntry } from '../lifecycle/kubeconfig.ts'
import type { HostWorld } from '../world/world.ts'
import { UserError } from './command.ts'
import { contextName } from './flags.ts'

/** What a running cluster leaves in its data directory, so that other commands find it. */
export interface RunningCluster {
  readonly pid: number
  readonly url: string
  /** PEM. */
  readonly certificateAuthority: string
  readonly startedAtMs: number
  readonly nodes: number
}

const fileOf = (dataDir: string) => `${dataDir}/run.json`

export async function recordRunning(world: HostWorld, dataDir: string, running: RunningCluster): Promise<void> {
  await world.disk.write(fileOf(dataDir), `${JSON.stringify(running, undefined, 2)}\n`)
}

export async function forgetRunning(world: HostWorld, dataDir: string): Promise<void> {
  await world.disk.remove(fileOf(dataDir))
}

/** The cluster that runs on a data directory, if one does. What a killed one left behind is no cluster. */
export async function findRunning(world: HostWorld, dataDir: string): Promise<RunningCluster | undefined> {
  const text = await world.disk.read(fileOf(dataDir))
  if (text === undefined) return undefined
  const running = parse(text)
  if (!running || !world.exec.isAlive(running.pid)) return undefined
  // It may have been replaced meanwhile.
  const certificateAuthority = (await world.disk.read(`${dataDir}/pki/ca.crt`)) ?? running.certificateAuthority
  const now = { ...running, certificateAuthority }
  // A number is given out again: what answers there must be ours.
  return (await health(world, now)) === undefined ? undefined : now
}

/** What the administrator of a running cluster has in his kubeconfig: its certificates as they are now. */
export async function adminOf(world: HostWorld, dataDir: string, running: RunningCluster): Promise<KubeconfigEntry> {
  const [clientCertificate, clientKey] = await Promise.all(
    ['crt', 'key'].map((ending) => world.disk.read(`${dataDir}/pki/admin.${ending}`)),
  )
  if (!clientCertificate || !clientKey)
    throw new UserError(`${dataDir}/pki lacks the administrator's certificate`, {
      hint: 'restart the cluster; it makes a new one',
    })
  const { url: server, certificateAuthority } = running
  return { name: contextName, server, certificateAuthority, clientCertificate, clientKey }
}

/** What `/readyz` answers; nothing when nobody does. */
export async function health(world: HostWorld, running: RunningCluster): Promise<string | undefined> {
  try {
    const answer = await world.network.request({
      url: `${running.url}/readyz`,
      tls: { ca: running.certificateAuthority },
      timeoutMs: 2000,
    })
    return await answer.text(64 * 1024)
  } catch {
    return undefined
  }
}

function parse(text: string): RunningCluster | undefined {
  try {
    const value = JSON.parse(text) as RunningCluster
    return typeof value.pid === 'number' && typeof value.url === 'string' ? value : undefined
  } catch {
    return undefined
  }
}
