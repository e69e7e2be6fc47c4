import { controlPlaneComponents } from '../manifests/control-plane.ts'
import { manifestPath } from '../manifests/static-pod.ts'
import { paths } from '../paths.ts'
import type { Phase } from '../phase.ts'
import type { InitData } from './data.ts'
import { controlPlaneManifest, etcdManifest, writeManifest } from './manifests.ts'
import { manifestSource } from './preflight.ts'

export const etcd: Phase<InitData> = {
  name: 'etcd',
  summary: 'Generate static Pod manifest file for local etcd',
  parts: [
    {
      name: 'local',
      summary: 'Generate the static Pod manifest file for a local, single-node local etcd instance',
      skip: ({ cluster }) => cluster.etcd.external !== undefined,
      plan: async ({ cluster }) => [
        `[etcd] Would ensure that ${cluster.etcd.local!.dataDir} is there, and write ${manifestPath('etcd')}`,
      ],
      async run(data) {
        const { tools, world, cluster } = data
        await world.disk.makeFolder(cluster.etcd.local!.dataDir, 0o700)
        tools.print(`[etcd] Creating static Pod manifest for local etcd in ${JSON.stringify(paths.manifests)}`)
        await writeManifest(world, 'etcd', await etcdManifest(manifestSource(data), world, undefined, tools.print))
      },
    },
  ],
}

const partNames = {
  'kube-apiserver': 'apiserver',
  'kube-controller-manager': 'controller-manager',
  'kube-scheduler': 'scheduler',
} as const

export const controlPlane: Phase<InitData> = {
  name: 'control-plane',
  summary: 'Generate all static Pod manifest files necessary to establish the control plane',
  async run({ tools }) {
    tools.print(`[control-plane] Using manifest folder ${JSON.stringify(paths.manifests)}`)
  },
  parts: controlPlaneComponents.map(
    (component): Phase<InitData> => ({
      name: partNames[component],
      summary: `Generates the ${component} static Pod manifest`,
      plan: async () => [`[control-plane] Would write ${manifestPath(component)}`],
      async run(data) {
        const { tools, world } = data
        tools.print(`[control-plane] Creating static Pod manifest for ${JSON.stringify(component)}`)
        const manifest = await controlPlaneManifest(component, manifestSource(data), world, tools.print)
        await writeManifest(world, component, manifest)
      },
    }),
  ),
}
