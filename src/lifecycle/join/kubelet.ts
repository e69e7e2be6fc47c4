import { parse } from 'yaml'
import { parseDuration } from '../../base/duration.ts'
import { Node } from '../../kinds/core/node.ts'
import { ApiError, isNotFound } from '../../schema/status.ts'
import type { ComponentConfiguration } from '../config/component-defaults.ts'
import type { Argument } from '../config/types.ts'
import { LifecycleError } from '../failure.ts'
import { FileChanges } from '../file-changes.ts'
import { agentFailed, waitForAgent } from '../init/health.ts'
import { runningAgent, startAgent, stopAgent, writeAgentFiles } from '../init/node-agent.ts'
import { isPassing } from '../init/patient.ts'
import { internalAddresses, isOfAnotherMachine, lastHeartbeat, thisMachine } from '../node-owner.ts'
import { paths } from '../paths.ts'
import type { Phase } from '../phase.ts'
import { readEndpoint } from '../pki/kubeconfigs.ts'
import { localEndpoint } from '../pki/settings.ts'
import { bootstrapKubeconfig } from '../tokens/discovery.ts'
import { anotherName, type JoinData } from './data.ts'

export const kubeletStart: Phase<JoinData> = {
  name: 'kubelet-start',
  summary: 'Write kubelet settings, certificates and (re)start the kubelet',
  plan: async () => [
    `[kubelet-start] Would write ${paths.bootstrapKubeconfig}, ${paths.kubeletFlags} and ${paths.kubeletConfig}`,
    '[kubelet-start] Would start the kubelet',
  ],
  async run(data) {
    const { world, tools, join, options } = data
    const configuration = await data.kubeletConfiguration()
    const discovered = await data.discover()
    const isKnown = await hasIdentity(data)
    const node = await findNode(data)
    if (node && !(isKnown && (await isOwn(node, data)))) requireFree(node, data)
    // The authority first: by it the same command knows later that this host has begun.
    if ((await world.disk.read(join.caCertPath)) === undefined)
      await world.disk.write(join.caCertPath, discovered.certificateAuthority, 0o644)
    if (!isKnown) {
      const server = await serverOfKubelet(data)
      const text = bootstrapKubeconfig({ ...discovered, server }, join.discovery.tlsBootstrapToken ?? '')
      await world.disk.write(paths.bootstrapKubeconfig, text, 0o600)
    }
    const files = {
      node: join.nodeRegistration,
      configuration,
      registersTaints: join.controlPlane === undefined,
      patches: options.patches,
    }
    const changed = await writeAgentFiles(world, files, tools.print)
    const isRunning = (await runningAgent(world)) !== undefined
    // One whose Node was deleted registers it when it starts.
    if (changed || options.single || !isRunning || !node) await startAgent(world, tools.print)
  },
}

/** Where the agent finds the API: the cluster's endpoint, or on request the API server beside it. */
async function serverOfKubelet(data: JoinData): Promise<string> {
  const { server } = await data.discover()
  if (!data.join.controlPlane) return server
  const pki = await data.pki()
  return pki.kubeletLocalMode ? localEndpoint(pki) : server
}

/** Whether this host is that node already. */
async function hasIdentity({ world, nodeName }: JoinData): Promise<boolean> {
  const text = await world.disk.read(paths.kubeletKubeconfig)
  if (text === undefined) return false
  const current = `${paths.kubeletCertificates}/kubelet-client-current.pem`
  return text.includes(current)
    ? (await world.disk.read(current)) !== undefined
    : text.includes(`system:node:${nodeName}`)
}

function findNode(data: JoinData): Promise<Node | undefined> {
  return data.ask((client) =>
    client.get(Node, { name: data.nodeName }).catch((error: unknown) => {
      if (isNotFound(error)) return undefined
      throw error
    }),
  )
}

/** A second host of the same name would take over the first one's node. */
function requireFree(node: Node, { nodeName, tools }: JoinData): void {
  const isReady = node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
  if (isReady)
    throw new LifecycleError(
      `a Node with name ${JSON.stringify(nodeName)} and status "Ready" already exists in the cluster. You must delete the existing Node or change the name of this new joining Node`,
      {
        hint: nameHint(nodeName),
      },
    )
  tools.warn(
    `a Node with name ${JSON.stringify(nodeName)} that is not ready is in the cluster: this host takes its place`,
  )
}

const nameHint = (nodeName: string) => `kubectl delete node ${nodeName}, when that host is gone; or ${anotherName}`

async function isOwn(node: Node, { world }: JoinData): Promise<boolean> {
  return !isOfAnotherMachine(node, await thisMachine(world))
}

const lookMs = 50

export const kubeletWaitBootstrap: Phase<JoinData> = {
  name: 'kubelet-wait-bootstrap',
  summary: 'Wait for the kubelet to bootstrap itself',
  plan: async () => ['[kubelet-wait] Would wait for the kubelet to be bootstrapped'],
  async run(data) {
    const { world, tools, timeouts } = data
    await waitForAgent(world, timeouts, tools.print)
    tools.print('[kubelet-start] Waiting for the kubelet to perform the TLS Bootstrap')
    await untilOwnNode(data)
    // The token is of no more use to this host.
    await world.disk.remove(paths.bootstrapKubeconfig)
  },
}

/**
 * Waits until the kubelet has its certificate and has made its Node. Of two hosts that join under one name at the same
 * moment both get the first, and one the second.
 * @throws LifecycleError when it has ended or takes too long, and when the Node is that of another host
 */
export async function untilOwnNode(data: JoinData): Promise<void> {
  const { world, timeouts } = data
  const giveUpAt = world.clock.monotonic() + parseDuration(timeouts.tlsBootstrap)
  using changes = new FileChanges(paths.kubeletKubeconfig, world)
  const until = async (isReached: () => Promise<boolean>, what: string) => {
    while (!(await isReached())) {
      if ((await runningAgent(world)) === undefined) throw await agentFailed(world, 'the kubelet has ended')
      if (world.clock.monotonic() > giveUpAt)
        throw await agentFailed(world, `timed out waiting for the kubelet to ${what}`)
      // The file tells when there is a certificate; that the agent has ended, and of the Node, nobody tells.
      await changes.wait(lookMs)
    }
  }
  await until(() => isBootstrapped(data), 'perform the TLS Bootstrap')
  if (await registersItself(data)) await until(ownNodeCheck(data), 'register its Node')
}

/** Otherwise the Node is made by somebody else, at any time. */
async function registersItself({ world, join }: JoinData): Promise<boolean> {
  const { kubeletExtraArgs = [] } = join.nodeRegistration
  const flag = (kubeletExtraArgs as readonly Argument[]).find(({ name }) => name === 'register-node')
  if (flag) return flag.value !== 'false'
  const configuration = parse((await world.disk.read(paths.kubeletConfig)) ?? '{}') as ComponentConfiguration | null
  return configuration?.['registerNode'] !== false
}

/** Says whether the Node is this host's; when the one who has it says again meanwhile that he lives, it will not be. */
function ownNodeCheck(data: JoinData): () => Promise<boolean> {
  const { nodeName, world, tools } = data
  let heartbeat: string | undefined
  return async () => {
    const client = await data.nodeClient()
    try {
      // Before the Node, which may become this host's in between: that one's first is no other's.
      const latest = (await lastHeartbeat(client, nodeName))?.renewTime
      const node = await client.get(Node, { name: nodeName })
      if (await isOwn(node, data)) return true
      if (heartbeat === undefined)
        tools.print(
          `[kubelet-start] The Node ${JSON.stringify(nodeName)} is that of another host: waiting whether that one lives`,
        )
      heartbeat ??= latest ?? ''
      if (latest === undefined || latest === heartbeat) return false
      // It must not take the name when the other one is away for a minute.
      await stopAgent(world)
      throw nodeTaken(node, nodeName)
    } catch (error) {
      if (isNotFound(error) || isPassing(error)) return false
      // It was given another name than this command, by a flag of its own.
      if (error instanceof ApiError && error.reason === 'Forbidden') return true
      throw error
    }
  }
}

const nodeTaken = (node: Node, nodeName: string) =>
  new LifecycleError(
    `another host has joined as ${JSON.stringify(nodeName)} (${internalAddresses(node).join(', ')}), and is alive`,
    { hint: nameHint(nodeName) },
  )

async function isBootstrapped({ world }: JoinData): Promise<boolean> {
  try {
    await readEndpoint(world.disk, paths.kubeletKubeconfig)
    return true
  } catch {
    return false
  }
}
