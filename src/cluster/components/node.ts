import type { Pod } from '../../kinds/core/pod.ts'
import { ProcessRuntime } from '../../kubelet/process/runtime.ts'
import { podOfManifest } from '../../kubelet/static-pods/manifest.ts'
import { ManifestFolder } from '../../kubelet/static-pods/manifest-folder.ts'
import { StaticPods } from '../../kubelet/static-pods/static-pods.ts'
import { paths } from '../../lifecycle/paths.ts'
import { Activity } from '../../reconciler/activity.ts'
import { Gate } from '../../reconciler/gate.ts'
import type { HostWorld } from '../../world/world.ts'
import type { Component } from './component.ts'
import { ComponentFlagError, type ComponentFlags, commonFlags, type GivenFlags } from './flags.ts'
import { startHealthPort } from './health-port.ts'
import { ownPrograms } from './own-programs.ts'
import { systemdUnits } from './systemd-units.ts'

const flags: ComponentFlags = {
  ...commonFlags,
  manifests: { help: 'folder whose files describe the processes, as static pods do', usual: paths.manifests },
  kubelet: { help: 'whether the kubelet is one of them', type: 'boolean', usual: 'true' },
  'log-dir': { help: 'where each writes NAME.log', usual: '/var/log/coracle' },
  'state-dir': { help: 'where it is noted what runs', usual: `${paths.run}/node` },
  'node-ip': { help: 'address at which processes are asked how they are; absent: the first of the host' },
  'healthz-port': { help: 'port of 127.0.0.1 for health checks; 0 for any free one', usual: '10247' },
  'systemd-units': { help: 'write a unit for each process into this folder, and run nothing' },
}

/**
 * The processes of a host without static pods (kubeadm's way without containers): what the manifests describe is run and
 * looked after, and nobody shows it in the API.
 */
export const node: Component = {
  name: 'node',
  summary: 'Supervise the processes of this host that its manifests describe, or write units for systemd',
  flags,
  example: 'coracle node --manifests=/etc/kubernetes/manifests --systemd-units=/etc/systemd/system',
  run,
}

async function run(given: GivenFlags, world: HostWorld, interrupted: Promise<void>): Promise<void> {
  const further = given.isTrue('kubelet') ? [await kubeletPod(world)] : []
  const units = given.text('systemd-units')
  if (units) return writeUnits(units, given, world, further)
  const processes = new ProcessRuntime({
    ...world,
    stateFolder: given.text('state-dir')!,
    logs: (_, container) => `${given.text('log-dir')}/${container}.log`,
    hostAddress: addressOf(given, world),
    programs: ownPrograms(world),
    event: (_, { name }, type, reason, message) =>
      world.log(type === 'Normal' ? 'info' : 'warn', message, { process: name, reason }),
  })
  const gone = new Gone()
  const pods = new StaticPods({
    tools: {
      ...world,
      runtime: processes,
      activity: new Activity(),
      writes: new Gate(1),
      hostAddresses: [addressOf(given, world)],
      events: {
        record: (_, type, reason, message, container) =>
          world.log(type === 'Normal' ? 'info' : 'warn', message, { process: container?.container.name, reason }),
      },
    },
    // Nobody is told.
    client: { patch: () => Promise.reject(new Error('there is no API')) },
    mirrorOf: () => undefined,
    changed: () => gone.look(pods.pods.length),
  })
  let remembered = await processes.remembered()
  const folder = new ManifestFolder({
    ...folderOptions(given, world),
    changed: (described) => {
      pods.set([...described, ...further], remembered)
      remembered = []
    },
  })
  // It is also what keeps this process alive until all others have ended.
  const health = await startHealthPort({ host: '127.0.0.1', port: given.whole('healthz-port') }, world)
  await folder.start()
  await interrupted
  folder.stop()
  pods.set([])
  await gone.all(pods.pods.length)
  await health?.close()
}

const checkMs = 20_000

const folderOptions = (given: GivenFlags, world: HostWorld) => ({
  ...world,
  folder: given.text('manifests')!,
  nodeName: world.machine.hostName,
  checkMs,
})

const addressOf = (given: GivenFlags, { machine }: HostWorld): string =>
  given.text('node-ip') ??
  machine.addresses.find(({ internal, family }) => !internal && family === 4)?.address ??
  '127.0.0.1'

/** Resolves when nothing runs any more. */
class Gone {
  #resolve: (() => void) | undefined

  look(count: number): void {
    if (count === 0) this.#resolve?.()
  }

  all(count: number): Promise<void> {
    if (count === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#resolve = resolve
    })
  }
}

/** The kubelet, as a process beside the others, with what `init` and `join` have written for it. */
async function kubeletPod({ disk, machine }: HostWorld): Promise<Pod> {
  const text = (await disk.read(paths.kubeletFlags)) ?? ''
  const quotedFlags = /^KUBELET_KUBEADM_ARGS=(".*")$/m.exec(text)?.[1]
  const further =
    quotedFlags === undefined ? [] : (JSON.parse(quotedFlags) as string).split(/\s+/).filter((word) => word !== '')
  const command = [
    'kubelet',
    `--bootstrap-kubeconfig=${paths.bootstrapKubeconfig}`,
    `--kubeconfig=${paths.kubeletKubeconfig}`,
    `--config=${paths.kubeletConfig}`,
    // What lies in the manifests is run by us.
    '--pod-manifest-path=',
    ...further,
  ]
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'kubelet', namespace: 'kube-system' },
    spec: { hostNetwork: true, containers: [{ name: 'kubelet', image: 'kubelet', command }] },
  }
  return podOfManifest(JSON.stringify(pod), { path: 'kubelet', nodeName: machine.hostName, seen: '' })
}

async function writeUnits(folder: string, given: GivenFlags, world: HostWorld, further: readonly Pod[]): Promise<void> {
  let described: readonly Pod[] = []
  const manifests = new ManifestFolder({
    ...folderOptions(given, world),
    changed: (pods) => {
      described = pods
    },
  })
  await manifests.start()
  manifests.stop()
  if (described.length + further.length === 0)
    throw new ComponentFlagError(`${given.text('manifests')} describes no process`)
  for (const [name, text] of await systemdUnits([...described, ...further], world)) {
    await world.disk.write(`${folder}/${name}`, text, 0o644)
    world.log('info', 'a unit was written', { path: `${folder}/${name}` })
  }
}
