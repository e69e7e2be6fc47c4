import { checkFeatureGates } from '../../apiserver/feature-gates.ts'
import type { Client } from '../../client/client.ts'
import { LateClient } from '../../client/late.ts'
import { NodeAgent } from '../../kubelet/agent.ts'
import type { NodeDescription } from '../../kubelet/node.ts'
import { HostVolumes } from '../../kubelet/process/host-volumes.ts'
import { ProcessRuntime, processVersion } from '../../kubelet/process/runtime.ts'
import { requireOwnNode } from '../../lifecycle/node-owner.ts'
import { paths } from '../../lifecycle/paths.ts'
import type { KeyPair } from '../../lifecycle/pki.ts'
import { httpConnect } from '../../lifecycle/tokens/connect.ts'
import { bootstrapKubelet, keepFresh } from '../../lifecycle/tokens/kubelet-certificate.ts'
import type { HostWorld } from '../../world/world.ts'
import { kubernetesVersion } from '../cluster.ts'
import type { Component } from './component.ts'
import { type ComponentClient, connectComponent } from './component-client.ts'
import type { GivenFlags } from './flags.ts'
import { startHealthPort } from './health-port.ts'
import { type KubeletSettings, kubeletSettings } from './kubelet-configuration.ts'
import { kubeletFlags } from './kubelet-flags.ts'
import { type KubeletServer, startKubeletServer } from './kubelet-server.ts'
import { ownPrograms } from './own-programs.ts'

/** The agent of a node, as a process of its own. */
export const kubelet: Component = {
  name: 'kubelet',
  summary: 'Run the agent of this host: static pods, and the Node that it is',
  flags: kubeletFlags,
  example: 'coracle kubelet --config=/var/lib/kubelet/config.yaml --kubeconfig=/etc/kubernetes/kubelet.conf',
  run,
}

async function run(flags: GivenFlags, world: HostWorld, interrupted: Promise<void>): Promise<void> {
  checkFeatureGates(flags.text('feature-gates') ?? '')
  const stop = new AbortController()
  const settings = await kubeletSettings(flags, world)
  const connection = connect(flags, settings, world, stop.signal)
  const agent = new NodeAgent({
    world,
    client: connection.client,
    description: await describe(settings, world),
    ...(settings.staticPodFolder && { staticPods: { folder: settings.staticPodFolder, checkMs: settings.checkMs } }),
    registers: settings.registers,
    mayTake: (present) => requireOwnNode(connection.client, present, world),
    renewMs: settings.renewMs,
    makeRuntime: (event) =>
      new ProcessRuntime({
        ...world,
        stateFolder: `${paths.run}/pods`,
        logs: paths.podLogs,
        hostAddress: settings.addresses[0]!,
        programs: ownPrograms(world),
        volumes: new HostVolumes({
          ...world,
          client: connection.client,
          folder: `${flags.text('root-dir')}/pods`,
          hostAddress: settings.addresses[0]!,
        }),
        event,
      }),
  })
  const health = settings.healthz.port === 0 ? undefined : await startHealthPort(settings.healthz, world)
  const server = await startKubeletServer({
    settings,
    world,
    folder: flags.text('cert-dir')!,
    client: connection.client,
    findProcesses: (namespace, name) => agent.findProcesses(namespace, name),
    signal: stop.signal,
  })
  await agent.start()
  const keeping = keepCertificates(flags, settings, world, connection.connected, server, stop.signal)
  keeping.catch((error: unknown) => {
    if (!stop.signal.aborted) world.log('error', 'certificates are not renewed', { error: String(error) })
  })
  await interrupted
  await agent.stop()
  stop.abort()
  await server?.close()
  await health?.close()
  await connection.close()
}

interface Connection {
  readonly client: Client
  /** Resolves when there is a kubeconfig that holds; never without `--kubeconfig`. */
  readonly connected: Promise<ComponentClient>
  close(): Promise<void>
}

/** The way to the API, as soon as there is a kubeconfig. */
function connect(flags: GivenFlags, settings: KubeletSettings, world: HostWorld, signal: AbortSignal): Connection {
  const kubeconfig = flags.text('kubeconfig')
  let open: ComponentClient | undefined
  const begin = async (path: string) => {
    await untilUsable(path, flags, settings, world, signal)
    open = await connectComponent({ world, kubeconfig: path, userAgent: 'kubelet', signal })
    return open
  }
  const connected = kubeconfig ? begin(kubeconfig) : new Promise<never>(() => {})
  connected.catch((error: unknown) => {
    if (!signal.aborted) world.log('error', 'the API cannot be reached', { error: String(error) })
  })
  const client: Client = new LateClient(
    async () => (await connected).client,
    () => client,
  )
  return { client, connected, close: async () => open?.[Symbol.asyncDispose]() }
}

const firstRetryMs = 250
const longestRetryMs = 5000

/**
 * Resolves when there is a kubeconfig with a certificate that holds, which is asked for with the bootstrap kubeconfig
 * (TLS bootstrap). While neither is there, and while nobody answers, it is tried again.
 */
async function untilUsable(
  kubeconfig: string,
  flags: GivenFlags,
  { nodeName }: KubeletSettings,
  world: HostWorld,
  signal: AbortSignal,
): Promise<void> {
  const bootstrapKubeconfig = flags.text('bootstrap-kubeconfig')
  const options = {
    nodeName,
    kubeconfig,
    folder: flags.text('cert-dir')!,
    signal,
    ...(bootstrapKubeconfig && { bootstrapKubeconfig }),
  }
  let told = ''
  for (let waitMs = firstRetryMs; ; waitMs = Math.min(longestRetryMs, waitMs * 2)) {
    try {
      await bootstrapKubelet({ ...world, connect: httpConnect(world) }, options)
      return
    } catch (error) {
      signal.throwIfAborted()
      const { message } = error as Error
      if (message !== told) world.log('warn', 'there is no credential for the API yet', { error: message })
      told = message
      await world.clock.after(waitMs, signal)
    }
  }
}

/** Renews the certificates of the node in good time. */
async function keepCertificates(
  flags: GivenFlags,
  settings: KubeletSettings,
  world: HostWorld,
  connected: Promise<ComponentClient>,
  server: KubeletServer | undefined,
  signal: AbortSignal,
): Promise<void> {
  const kubeconfig = flags.text('kubeconfig')
  if (!kubeconfig) return
  const component = await connected
  const tools = { ...world, connect: httpConnect(world) }
  const { nodeName, addresses } = settings
  const common = { nodeName, folder: flags.text('cert-dir')! }
  const kept: Promise<void>[] = []
  if (settings.rotatesCertificates) {
    const changed = (pair: KeyPair) => component.useCertificate(pair)
    kept.push(keepFresh({ ...common, kind: 'client' }, { kubeconfig, changed, signal }, tools))
  }
  if (settings.serverBootstrap && server) {
    const hosts = () => [nodeName, ...addresses]
    const changed = (pair: KeyPair) => server.useCertificate(pair)
    kept.push(keepFresh({ ...common, kind: 'server', hosts }, { kubeconfig, changed, signal }, tools))
  }
  await Promise.all(kept)
}

async function describe(settings: KubeletSettings, { machine, disk, random }: HostWorld): Promise<NodeDescription> {
  const { nodeName: name, labels, taints, addresses, podCidrs } = settings
  const firstLine = async (path: string) => (await disk.read(path).catch(() => undefined))?.split('\n')[0]?.trim()
  const machineId = (await firstLine('/etc/machine-id')) || random.uuid().replaceAll('-', '')
  const release = (await disk.read('/etc/os-release').catch(() => undefined)) ?? ''
  return {
    name,
    labels: {
      'beta.kubernetes.io/arch': 'amd64',
      'beta.kubernetes.io/os': 'linux',
      'kubernetes.io/arch': 'amd64',
      'kubernetes.io/hostname': name,
      'kubernetes.io/os': 'linux',
      ...labels,
    },
    addresses,
    capacity: {
      cpu: String(machine.cpus),
      memory: `${Math.floor(machine.memoryBytes / 1024)}Ki`,
      pods: String(settings.maxPods),
      'ephemeral-storage': '100Gi',
    },
    podCIDRs: podCidrs,
    runtimeVersion: processVersion,
    kubeletVersion: kubernetesVersion,
    osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(release)?.[1] ?? 'Linux',
    machineId,
    systemId: (await firstLine('/sys/class/dmi/id/product_uuid')) ?? machineId,
    bootId: (await firstLine('/proc/sys/kernel/random/boot_id')) ?? machineId,
    kernelVersion: (await firstLine('/proc/sys/kernel/osrelease')) ?? '',
    ...(taints.length > 0 && { taints }),
  }
}
