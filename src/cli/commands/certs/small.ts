import { generateRequests } from '../../../lifecycle/pki/generate-requests.ts'
import { newCertificateKey } from '../../../lifecycle/tokens/upload.ts'
import type { Command } from '../../command.ts'
import { choosePki, pkiFlags } from './settings.ts'

export const certificateKey: Command = {
  name: 'certificate-key',
  summary: 'Generate certificate keys, under which control planes share their certificates',
  flags: {},
  examples: ['coracle init --upload-certs --certificate-key $(coracle certs certificate-key)'],
  async run({ world, print }) {
    print(newCertificateKey(world.random))
  },
}

const { config, certDir, kubeconfig, kubeconfigDir } = pkiFlags

export const generateCsr: Command = {
  name: 'generate-csr',
  summary: 'Generate keys and certificate signing requests, for an authority that is elsewhere',
  flags: { config, certDir, kubeconfig, kubeconfigDir },
  examples: ['coracle certs generate-csr --kubeconfig-dir /tmp/etc-k8s --cert-dir /tmp/etc-k8s/pki'],
  async run(context) {
    const { settings } = await choosePki(context, 'generate-csr')
    await generateRequests(settings, context.world, context.print)
  },
}
