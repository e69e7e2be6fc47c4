import { controlPlaneManifest, writeManifest } from '../init/manifests.ts'
import { controlPlaneComponents } from '../manifests/control-plane.ts'
import { manifestPath } from '../manifests/static-pod.ts'
import { paths } from '../paths.ts'
import type { Phase } from '../phase.ts'
import { createCertificates } from '../pki/create.ts'
import { createKubeconfigs } from '../pki/kubeconfigs.ts'
import { downloadCertificates } from '../tokens/upload.ts'
import type { JoinData } from './data.ts'

/** The kubelet makes its own by TLS bootstrap; the way that needs no roles is for the first control plane alone. */
const kubeconfigFiles = ['admin.conf', 'controller-manager.conf', 'scheduler.conf'] as const

const onWorkers = ({ join }: JoinData) => join.controlPlane === undefined

export const controlPlanePrepare: Phase<JoinData> = {
  name: 'control-plane-prepare',
  summary: 'Prepare the machine for serving a control plane',
  skip: onWorkers,
  parts: [
    {
      name: 'download-certs',
      summary: 'Download certificates shared among control-plane nodes from the kubeadm-certs Secret',
      skip: ({ join }) => !join.controlPlane?.certificateKey,
      plan: async () => ['[download-certs] Would download the certificates in Secret "kubeadm-certs"'],
      async run(data) {
        const { external } = (await data.cluster()).etcd
        const files = { settings: await data.pki(), ...(external?.caFile && { externalEtcd: external }) }
        const key = data.controlPlane.certificateKey!
        await data.ask((client) => downloadCertificates(client, files, key, data.world, data.tools.print))
      },
    },
    {
      name: 'certs',
      summary: 'Generate the certificates for the new control plane components',
      plan: async () => ['[certs] Would write the certificates of this host'],
      run: async (data) => createCertificates(await data.pki(), data.world, data.tools.print),
    },
    {
      name: 'kubeconfig',
      summary: 'Generate the kubeconfig for the new control plane components',
      plan: async () => [`[kubeconfig] Would write ${kubeconfigFiles.join(', ')} to ${paths.kubernetes}`],
      async run(data) {
        data.tools.print('[kubeconfig] Generating kubeconfig files')
        await createKubeconfigs(await data.pki(), data.world, data.tools.print, kubeconfigFiles)
      },
    },
    {
      name: 'control-plane',
      summary: 'Generate the manifests for the new control plane components',
      plan: async () =>
        controlPlaneComponents.map((component) => `[control-plane] Would write ${manifestPath(component)}`),
      async run(data) {
        const { print } = data.tools
        print(`[control-plane] Using manifest folder ${JSON.stringify(paths.manifests)}`)
        for (const component of controlPlaneComponents) {
          print(`[control-plane] Creating static Pod manifest for ${JSON.stringify(component)}`)
          const manifest = await controlPlaneManifest(component, await data.manifestSource(), data.world, print)
          await writeManifest(data.world, component, manifest)
        }
      },
    },
  ],
}
