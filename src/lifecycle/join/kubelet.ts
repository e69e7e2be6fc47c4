import { parseDuration } from '../../base/duration.ts'
import { Node } from '../../kinds/core/node.ts'
import { isNotFound } from '../../schema/status.ts'
import { LifecycleError } from '../failure.ts'
import { agentFailed, waitForAgent } from '../init/health.ts'
import { runningAgent, startAgent, writeAgentFiles } from '../init/node-agent.ts'
import { paths } from '../paths.ts'
import type { Phase } from '../phase.ts'
import { readEndpoint } from '../pki/kubeconfigs.ts'
import { localEndpoint } from '../pki/settings.ts'
import { bootstrapKubeconfig } from '../tokens/discovery.ts'
import type { JoinData } from './data.ts'

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
    if (node && !isKnown) requireFree(node, data)
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
        hint: `kubectl delete node ${nodeName}, when that host is gone; or another name for this one: --node-name NAME`,
      },
    )
  tools.warn(
    `a Node with name ${JSON.stringify(nodeName)} that is not ready is in the cluster: this host takes its place`,
  )
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
    const giveUpAt = world.clock.monotonic() + parseDuration(timeouts.tlsBootstrap)
    while (!(await isBootstrapped(data))) {
      if ((await runningAgent(world)) === undefined) throw await agentFailed(world, 'the kubelet has ended')
      if (world.clock.monotonic() > giveUpAt)
        throw await agentFailed(world, 'timed out waiting for the kubelet to perform the TLS Bootstrap')
      await world.clock.after(lookMs)
    }
    // The token is of no more use to this host.
    await world.disk.remove(paths.bootstrapKubeconfig)
  },
}

async function isBootstrapped({ world }: JoinData): Promise<boolean> {
  try {
    await readEndpoint(world.disk, paths.kubeletKubeconfig)
    return true
  } catch {
    return false
  }
}
