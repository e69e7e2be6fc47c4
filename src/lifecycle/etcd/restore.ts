import type { EtcdTls } from '../../etcd/client.ts'
import { EtcdClient } from '../../etcd/client.ts'
import { methods } from '../../etcd/messages.ts'
import { type HostWorld, NetworkError } from '../../world/world.ts'
import { paths } from '../paths.ts'
import type { Phase } from '../phase.ts'
import { EtcdAccessError, parseManifest } from './access.ts'
import { EtcdCareError } from './faults.ts'
import type { EtcdTool } from './install.ts'
import { clusterIdOfPlan, initialClusterOf, type RestoreHost, type RestorePlan, sha256Of } from './restore-plan.ts'
import { openSnapshot, prepareSnapshot } from './snapshot-file.ts'

/**
 * One host's share of a restore. What is there decides what is left to do, so a share that was interrupted anywhere
 * goes on when it is run again, and one that is finished does nothing.
 *
 * In the data directory: `.restore-ID` is what was restored and waits for its place, `member.before-ID` what was there
 * before. When the second is there and the first is not, the change has happened. The manifests wait in
 * `/etc/kubernetes/tmp/restore-ID`.
 */
export interface RestoreShare {
  readonly world: HostWorld
  readonly plan: RestorePlan
  readonly snapshotFile: string
  readonly host: RestoreHost
  readonly tool: EtcdTool
  readonly tls: EtcdTls | undefined
  readonly kubernetesDir: string
  readonly dataDir: string
  /** For an etcd that is no static pod. */
  readonly stopCommand?: string | undefined
  readonly startCommand?: string | undefined
  readonly waitMs: number
  print(line: string): void
}

export const restorePhases: readonly Phase<RestoreShare>[] = [
  { name: 'prepare', summary: 'Restore beside the data that is there', plan: planPrepare, run: prepare },
  { name: 'stop', summary: 'Stop the API server and etcd', plan: planStop, run: stop },
  { name: 'others', summary: 'Wait until the others have stopped', plan: planOthers, run: waitForOthers },
  { name: 'swap', summary: 'Put what was restored into its place', plan: planSwap, run: swap },
  { name: 'start', summary: 'Start etcd, then the API server', plan: planStart, run: start },
]

/** Thrown when the manifests are neither in their place nor put aside. */
export async function dataDirOfHost(
  { disk }: Pick<HostWorld, 'disk'>,
  kubernetesDir: string,
  plan: Pick<RestorePlan, 'id'>,
): Promise<string | undefined> {
  for (const folder of [`${kubernetesDir}/manifests`, stashOf(kubernetesDir, plan)]) {
    const text = await disk.read(`${folder}/etcd.yaml`)
    if (text !== undefined) return parseManifest(`${folder}/etcd.yaml`, text).flag('data-dir') ?? paths.etcdData
  }
  return undefined
}

const stashOf = (kubernetesDir: string, { id }: Pick<RestorePlan, 'id'>) => `${kubernetesDir}/tmp/restore-${id}`
const restoredIn = ({ dataDir, plan }: RestoreShare) => `${dataDir}/.restore-${plan.id}`
const beforeIn = ({ dataDir, plan }: RestoreShare) => `${dataDir}/member.before-${plan.id}`

const isThere = async ({ world }: RestoreShare, path: string) => (await world.disk.stat(path)) !== undefined

const isSwapped = async (share: RestoreShare) =>
  (await isThere(share, beforeIn(share))) &&
  (await isThere(share, `${share.dataDir}/member`)) &&
  !(await isThere(share, `${restoredIn(share)}/member`))

// Restoring beside what runs.

async function planPrepare(share: RestoreShare): Promise<string[]> {
  if (await isSwapped(share)) return [`${share.host.name} is restored already`]
  return [`restore ${share.snapshotFile} into ${restoredIn(share)} with ${share.tool.path} ${share.tool.version}`]
}

async function prepare(share: RestoreShare): Promise<void> {
  const { world, plan, print, host } = share
  if (await isSwapped(share)) return
  const done = restoredIn(share)
  if ((await isThere(share, `${done}/member`)) || (await isThere(share, beforeIn(share)))) return
  await requireSnapshot(share)
  const part = `${done}.part`
  await world.disk.remove(part)
  await restoreInto(world, {
    ...{ snapshotFile: share.snapshotFile, tool: share.tool, dataDir: part },
    ...{ name: host.name, peerUrl: host.peerUrl, initialCluster: initialClusterOf(plan), token: plan.token },
    ...{ bumpRevision: plan.bumpRevision, markCompacted: plan.markCompacted, skipHashCheck: plan.skipHashCheck },
  })
  await world.disk.rename(part, done)
  print(`restored ${plan.snapshot.file} beside the data that is there`)
}

async function requireSnapshot({ world, plan, snapshotFile }: RestoreShare): Promise<void> {
  if (!(await world.disk.stat(snapshotFile))) throw new EtcdCareError(`${snapshotFile} is not there: copy it here`)
  const sha256 = await sha256Of(world, snapshotFile)
  if (sha256 === plan.snapshot.sha256) return
  throw new EtcdCareError(
    `${snapshotFile} is not the snapshot of the plan: sha256 ${sha256}, not ${plan.snapshot.sha256}`,
    {
      hint: 'copy it anew: members restored from different snapshots are not one cluster',
    },
  )
}

export interface RestoreInto {
  readonly snapshotFile: string
  readonly tool: EtcdTool
  /** Must not be there. */
  readonly dataDir: string
  readonly name: string
  readonly peerUrl: string
  readonly initialCluster: string
  readonly token: string
  readonly bumpRevision: number
  readonly markCompacted: boolean
  readonly skipHashCheck: boolean
}

/** Makes a data directory of a snapshot. Throws an `EtcdCareError`; nothing is left of it then. */
export async function restoreInto(world: HostWorld, into: RestoreInto): Promise<void> {
  const { dataDir, tool } = into
  if (await world.disk.stat(dataDir))
    throw new EtcdCareError(`data-dir "${dataDir}" exists`, { hint: 'move it away first' })
  const prepared = `${dataDir}.snapshot`
  try {
    await writePrepared(world, into, prepared)
    const ended = await world.exec.run(
      tool.path,
      [
        ['snapshot', 'restore', prepared, '--data-dir', dataDir, '--name', into.name],
        ['--initial-cluster', into.initialCluster, '--initial-cluster-token', into.token],
        ['--initial-advertise-peer-urls', into.peerUrl],
      ].flat(),
      { env: { ETCDCTL_API: '3' } },
    )
    if (ended.code !== 0) throw new EtcdCareError(`${tool.path} snapshot restore failed: ${lastLine(ended.stderr)}`)
  } catch (error) {
    await world.disk.remove(dataDir)
    throw error
  } finally {
    await world.disk.remove(prepared)
  }
}

async function writePrepared(world: HostWorld, into: RestoreInto, prepared: string): Promise<void> {
  using parts = await world.disk.openParts(into.snapshotFile)
  if (!parts) throw new EtcdCareError(`${into.snapshotFile} is not there`)
  const database = openSnapshot(parts, into.snapshotFile, into.skipHashCheck)
  await world.disk.writePieces(prepared, prepareSnapshot(database, into.snapshotFile, into).pieces())
}

const lastLine = (text: string) => text.trim().split('\n').at(-1) ?? ''

// Stopping.

/** In the order in which they stop; they start in the other. */
const staticPods = ['kube-apiserver.yaml', 'etcd.yaml']

async function planStop(share: RestoreShare): Promise<string[]> {
  if (await isSwapped(share)) return []
  if (share.stopCommand) return [`run: ${share.stopCommand}`]
  const { kubernetesDir, plan } = share
  return staticPods.map((file) => `move ${kubernetesDir}/manifests/${file} to ${stashOf(kubernetesDir, plan)}`)
}

async function stop(share: RestoreShare): Promise<void> {
  const { world, kubernetesDir, plan, host, print, stopCommand } = share
  if (await isSwapped(share)) return
  if (stopCommand) await runCommand(share, stopCommand)
  const stash = stashOf(kubernetesDir, plan)
  await world.disk.makeFolder(stash)
  for (const file of staticPods) {
    const from = `${kubernetesDir}/manifests/${file}`
    if (await isThere(share, from)) await world.disk.rename(from, `${stash}/${file}`)
  }
  await until(
    share,
    async () => (await isListening(share, host.clientUrl)) === false,
    () => {
      const hint = stopCommand
        ? undefined
        : 'is it the kubelet that runs it? An etcd of its own: --stop-command and --start-command; then run this again'
      return new EtcdCareError(`etcd still answers at ${host.clientUrl}`, { ...(hint && { hint }) })
    },
  )
  // One that has not ended yet would answer from what it remembers of the old cluster.
  const apiServer = await apiServerOf(share)
  if (apiServer === undefined) return print('etcd of this host is stopped')
  await until(
    share,
    () => isSilent(share, apiServer),
    () =>
      new EtcdCareError(`the API server still answers at ${apiServer}`, {
        hint: 'is it the kubelet that runs it? Stop it, then run this again',
      }),
  )
  print('etcd and the API server of this host are stopped')
}

/** Where the API server of this host answers, as its manifest says; undefined: that cannot be told, or there is none. */
async function apiServerOf({ world, kubernetesDir, plan }: RestoreShare): Promise<string | undefined> {
  const path = `${stashOf(kubernetesDir, plan)}/kube-apiserver.yaml`
  const text = await world.disk.read(path)
  if (text === undefined) return undefined
  try {
    const { flag } = parseManifest(path, text)
    const host = flag('advertise-address') ?? '127.0.0.1'
    return `https://${host.includes(':') ? `[${host}]` : host}:${flag('secure-port') ?? '6443'}`
  } catch (error) {
    if (error instanceof EtcdAccessError) return undefined
    throw error
  }
}

/** Whether nobody accepts connections there. */
async function isSilent({ world }: RestoreShare, url: string): Promise<boolean> {
  try {
    const answer = await world.network.request({ url: `${url}/livez`, method: 'GET', timeoutMs: 2_000 })
    answer.close()
    return false
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
    return error.reason === 'refused' || error.reason === 'unreachable'
  }
}

async function runCommand({ world }: RestoreShare, command: string): Promise<void> {
  const { code, stderr, stdout } = await world.exec.run('sh', ['-c', command])
  if (code !== 0) throw new EtcdCareError(`"${command}" ended with ${code}: ${lastLine(stderr || stdout)}`)
}

/** Whether something accepts connections there; nothing when that cannot be told. */
async function isListening({ world, tls }: RestoreShare, url: string): Promise<boolean | undefined> {
  using client = new EtcdClient({ endpoints: [url], ...(tls && { tls }), clock: world.clock, timeoutMs: 2_000 })
  try {
    await client.read(methods.status, {})
    return true
  } catch (error) {
    const { message } = error as Error
    if (/ECONNREFUSED|cannot reach/.test(message)) return false
    return /did not answer/.test(message) ? undefined : true
  }
}

const betweenLooksMs = 250

async function until({ world, waitMs }: RestoreShare, isSo: () => Promise<boolean>, late: () => Error): Promise<void> {
  const deadline = world.clock.monotonic() + waitMs
  while (!(await isSo())) {
    if (world.clock.monotonic() > deadline) throw late()
    await world.clock.after(betweenLooksMs)
  }
}

// The others.

const othersOf = ({ plan, host }: RestoreShare) => plan.hosts.filter(({ name }) => name !== host.name)

async function planOthers(share: RestoreShare): Promise<string[]> {
  if (await isSwapped(share)) return []
  return othersOf(share).map(({ name, clientUrl }) => `wait until the old etcd of ${name} has stopped (${clientUrl})`)
}

/**
 * A member of the old cluster that still serves would go on taking writes that are lost. One that does not answer has
 * stopped, is cut off, or is restored and waits for a majority: in no case does it write.
 */
async function waitForOthers(share: RestoreShare): Promise<void> {
  if (await isSwapped(share)) return
  for (const other of othersOf(share)) {
    await until(
      share,
      async () => !(await isOfOldCluster(share, other)),
      () => {
        const hint = `stop it by running its share there: coracle etcd snapshot restore … --local --name ${other.name}; then this again`
        return new EtcdCareError(`${other.name} still serves the old cluster at ${other.clientUrl}`, { hint })
      },
    )
  }
}

async function isOfOldCluster({ world, tls, plan }: RestoreShare, { clientUrl }: RestoreHost): Promise<boolean> {
  using client = new EtcdClient({ endpoints: [clientUrl], ...(tls && { tls }), clock: world.clock, timeoutMs: 2_000 })
  try {
    const { header } = await client.read(methods.status, {})
    return header?.clusterId !== clusterIdOfPlan(plan)
  } catch {
    return false
  }
}

// Into its place.

async function planSwap(share: RestoreShare): Promise<string[]> {
  if (await isSwapped(share)) return []
  return [`keep ${share.dataDir}/member as ${beforeIn(share)}`, `put what was restored into ${share.dataDir}/member`]
}

async function swap(share: RestoreShare): Promise<void> {
  const { world, dataDir, print } = share
  const { disk } = world
  if (await isSwapped(share)) return tidy(share)
  const [member, before, restored] = [`${dataDir}/member`, beforeIn(share), restoredIn(share)]
  if (!(await isThere(share, before))) {
    if (await isThere(share, member)) await disk.rename(member, before)
    else await disk.makeFolder(before)
  }
  if (await isThere(share, `${restored}/member`)) await disk.rename(`${restored}/member`, member)
  await tidy(share)
  print(`the data from before is kept in ${before}`)
}

async function tidy(share: RestoreShare): Promise<void> {
  const { disk } = share.world
  const begun = `.restore-${share.plan.id}`
  for (const name of await disk.list(share.dataDir)) {
    if (name.startsWith(begun)) await disk.remove(`${share.dataDir}/${name}`)
  }
  await ownAsBefore(share)
}

/** An etcd that runs as a user of its own cannot start on files of another. */
async function ownAsBefore({ world, dataDir }: RestoreShare): Promise<void> {
  if (world.machine.userId !== 0) return
  await world.exec.run('chown', ['-R', `--reference=${dataDir}`, `${dataDir}/member`])
}

// Starting.

async function planStart(share: RestoreShare): Promise<string[]> {
  const { kubernetesDir, startCommand } = share
  if (startCommand) return [`run: ${startCommand}`, 'wait until etcd is healthy']
  return [
    `move etcd.yaml back to ${kubernetesDir}/manifests, wait until etcd is healthy`,
    `move kube-apiserver.yaml back to ${kubernetesDir}/manifests`,
  ]
}

async function start(share: RestoreShare): Promise<void> {
  const { kubernetesDir, plan, host, print, startCommand, world } = share
  const stash = stashOf(kubernetesDir, plan)
  const putBack = async (file: string) => {
    if (!(await isThere(share, `${stash}/${file}`))) return
    await world.disk.rename(`${stash}/${file}`, `${kubernetesDir}/manifests/${file}`)
  }
  await putBack('etcd.yaml')
  if (startCommand) await runCommand(share, startCommand)
  await until(
    share,
    () => isHealthy(share),
    () => {
      const hint = 'have the others done their share? A majority is needed; then run this again'
      return new EtcdCareError(`etcd of ${host.name} did not get healthy at ${host.clientUrl}`, { hint })
    },
  )
  print(`${host.clientUrl} is healthy`)
  await putBack('kube-apiserver.yaml')
  await world.disk.remove(stash)
}

async function isHealthy({ world, tls, plan, host }: RestoreShare): Promise<boolean> {
  const { clientUrl } = host
  using client = new EtcdClient({ endpoints: [clientUrl], ...(tls && { tls }), clock: world.clock, timeoutMs: 2_000 })
  try {
    const { header } = await client.read(methods.range, { key: 'health' })
    return header?.clusterId === clusterIdOfPlan(plan)
  } catch {
    return false
  }
}
