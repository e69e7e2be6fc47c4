import type { Client } from '../../client/client.ts'
import { methods } from '../../etcd/messages.ts'
import { Pod } from '../../kinds/core/pod.ts'
import { EtcdConnections } from '../etcd/access.ts'
import {
  addLearner,
  askAgain,
  type EtcdMember,
  hexId,
  initialCluster,
  isStarted,
  listMembers,
  type Patience,
  patienceOf,
  promoteWhenReady,
  takeOut,
} from '../etcd/members.ts'
import { LifecycleError } from '../failure.ts'
import { etcdManifest, writeManifest } from '../init/manifests.ts'
import { insist, isPassing } from '../init/patient.ts'
import { clientUrl, peerUrl } from '../manifests/etcd.ts'
import { manifestPath } from '../manifests/static-pod.ts'
import type { Phase } from '../phase.ts'
import { anotherName, etcdFailure, type JoinData } from './data.ts'
import { untilOwnNode } from './kubelet.ts'

/** A control plane of a stacked cluster brings a member of etcd: it learns first, and gets its vote when it has caught up. */
const isLocal = async (data: JoinData) =>
  data.join.controlPlane !== undefined && (await data.cluster()).etcd.local !== undefined

export const checkEtcd: Phase<JoinData> = {
  name: 'check-etcd',
  summary: 'Check etcd status for control-plane joins',
  skip: ({ join }) => join.controlPlane === undefined,
  async run(data) {
    if (!(await isLocal(data))) return
    data.tools.print('[check-etcd] Checking that the etcd cluster is healthy')
    using etcd = await connect(data)
    const members = await askAgain(etcd.client, patience(data), () => listMembers(etcd.client)).catch((error) => {
      throw etcdFailure('etcd cluster is not healthy', error, 'see "coracle etcd health --cluster" on a control plane')
    })
    const own = peerUrl(data.controlPlane.localAPIEndpoint.advertiseAddress)
    const others = members.filter((member) => isStarted(member) && !member.isLearner && !isAt(member, own))
    await Promise.all(others.map((member) => requireWell(etcd, member, data)))
  },
}

const patience = ({ world, timeouts, tools }: JoinData): Patience =>
  patienceOf(world.clock, timeouts.etcdAPICall, (line) => tools.print(`[etcd] ${line}`))

/** A member that is dead counts against the majority that every change needs: it goes before another comes. */
async function requireWell(
  etcd: EtcdConnections,
  { name, clientUrls = [] }: EtcdMember,
  data: JoinData,
): Promise<void> {
  const [endpoint] = clientUrls
  if (endpoint === undefined) return
  const client = etcd.at(endpoint)
  await askAgain(client, patience(data), () => client.read(methods.status, {})).catch((error: unknown) => {
    throw etcdFailure(
      `etcd cluster is not healthy: failed to dial endpoint ${endpoint} of member ${name}`,
      error,
      `bring that host back; or, when it is gone for good, take its member out first: coracle etcd member list, coracle etcd member remove ID`,
    )
  })
}

export const etcdJoin: Phase<JoinData> = {
  name: 'etcd-join',
  summary: 'Join etcd for control plane nodes',
  skip: ({ join }) => join.controlPlane === undefined,
  plan: async (data) => [
    `[etcd] Would add etcd member: ${peerUrl(data.controlPlane.localAPIEndpoint.advertiseAddress)}`,
    `[etcd] Would write ${manifestPath('etcd')}`,
  ],
  async run(data) {
    if (!(await isLocal(data))) return
    await joinEtcd(data)
  },
}

async function joinEtcd(data: JoinData): Promise<void> {
  const { tools, world, timeouts, nodeName } = data
  // Of two hosts of one name the one that has the Node becomes the member; where the kubelet needs the API server of this
  // host, which needs its member, the name of the member decides.
  if (!(await data.pki()).kubeletLocalMode) await untilOwnNode(data)
  const url = peerUrl(data.controlPlane.localAPIEndpoint.advertiseAddress)
  using etcd = await connect(data)
  const { member, members } = await addLearner(etcd.client, url, patience(data)).catch((error: unknown) => {
    throw etcdFailure(
      `could not add the etcd member ${url}`,
      error,
      'another host may be joining, or a member may be down: see "coracle etcd member list" on a control plane, and run the same command again',
    )
  })
  const twin = members.find(({ id, name }) => name === nodeName && id !== member.id)
  if (twin) {
    if (!isStarted(member)) await takeOut(etcd.client, member.id, patience(data))
    throw memberTaken(twin, nodeName)
  }
  tools.print('[etcd] Announced new etcd member joining to the existing etcd cluster')
  await requireOwnData(data, member)
  await world.disk.makeFolder((await data.cluster()).etcd.local!.dataDir, 0o700)
  const begins = (await world.disk.read(manifestPath('etcd'))) === undefined
  // One that has its vote goes on with what it knows: its first list of members counts no more.
  if (begins || !isStarted(member)) {
    tools.print('[etcd] Creating static Pod manifest for "etcd"')
    const list = initialCluster(members, { id: member.id, name: nodeName })
    await writeManifest(world, 'etcd', await etcdManifest(await data.manifestSource(), world, list, tools.print))
  }
  tools.print(`[etcd] Waiting for the new etcd member to join the cluster. This can take up to ${timeouts.etcdAPICall}`)
  const { clock, timeoutMs } = patience(data)
  await promoteWhenReady(etcd.client, member.id, { clock, timeoutMs }).catch((error: unknown) => {
    throw etcdFailure(
      'the new etcd member did not catch up',
      error,
      'its log is below /var/log/pods; the same command goes on from here when that is mended',
    )
  })
}

/** Members that share a name cannot be told apart in the list that a new one starts with. */
const memberTaken = ({ id, peerUrls = [] }: EtcdMember, nodeName: string) =>
  new LifecycleError(`another host is the etcd member ${JSON.stringify(nodeName)} (${peerUrls.join(', ')})`, {
    hint: `when that host is gone, on a control plane: coracle etcd member remove ${hexId(id)}; or ${anotherName}`,
  })

/** A member that was there and has lost what it knew cannot come back: it has to be another one. */
async function requireOwnData(data: JoinData, member: EtcdMember): Promise<void> {
  const { dataDir } = (await data.cluster()).etcd.local!
  if (!isStarted(member) || (await data.world.disk.list(dataDir)).length > 0) return
  const id = member.id.toString(16)
  throw new LifecycleError(
    `etcd member ${id} (${member.name}) is registered at ${(member.peerUrls ?? []).join(',')}, but its data is not in ${dataDir}`,
    { hint: `take the old member out first, on another control plane: coracle etcd member remove ${id}` },
  )
}

/** By the static pods that the cluster knows: each says where its member is reached. */
async function connect(data: JoinData): Promise<EtcdConnections> {
  const client = await data.adminClient()
  const { disk } = data.world
  const own = clientUrl(data.controlPlane.localAPIEndpoint.advertiseAddress)
  const folder = `${(await data.cluster()).certificatesDir}/etcd`
  const [ca, cert, key] = await Promise.all(
    ['ca.crt', 'healthcheck-client.crt', 'healthcheck-client.key'].map((file) => disk.read(`${folder}/${file}`)),
  )
  if (ca === undefined || cert === undefined || key === undefined)
    throw new LifecycleError(`certificates for etcd are missing in ${folder}`, {
      hint: 'make them: coracle join phase control-plane-prepare certs',
    })
  const endpoints = await insist(() => endpointsOf(client, own), mayAppear, data.patience)
  return EtcdConnections.open(data.world, { endpoints, tls: { ca, cert, key }, ofHost: false })
}

/** The cluster shows no static pod of etcd. */
class NoEtcdError extends LifecycleError {}

/** It is so for a moment when a kubelet makes the pods of its host anew. */
const mayAppear = (error: unknown) => error instanceof NoEtcdError || isPassing(error)

async function endpointsOf(client: Client, own: string): Promise<readonly string[]> {
  const labelSelector = 'component=etcd,tier=control-plane'
  const { items } = await client.list(Pod, { namespace: 'kube-system', labelSelector })
  const endpoints = items
    .map(({ metadata }) => metadata.annotations?.['kubeadm.kubernetes.io/etcd.advertise-client-urls'])
    .filter((url) => url !== undefined && url !== own)
  if (endpoints.length > 0) return endpoints as string[]
  throw new NoEtcdError(
    'could not retrieve the list of etcd endpoints: no static pod of etcd is known to the cluster',
    { hint: 'see "kubectl -n kube-system get pods -l component=etcd"' },
  )
}

function isAt({ peerUrls = [] }: EtcdMember, url: string): boolean {
  return peerUrls.includes(url)
}
