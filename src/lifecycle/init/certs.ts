import type { Phase } from '../phase.ts'
import { loadOrCreateAuthority, loadOrCreateCertificate, loadOrCreateServiceAccountKey } from '../pki/create.ts'
import { createKubeconfigs, kubeconfigs } from '../pki/kubeconfigs.ts'
import { authorities, authorityOf, certificates } from '../pki/specs.ts'
import type { InitData } from './data.ts'

/** Keys, certificates and kubeconfigs: the rows of `pki/` as phases. */
export const certs: Phase<InitData> = {
  name: 'certs',
  summary: 'Certificate generation',
  async run({ pki, tools }) {
    tools.print(`[certs] Using certificateDir folder ${JSON.stringify(pki.certificatesDir)}`)
  },
  parts: [
    ...authorities.flatMap((authority): Phase<InitData>[] => [
      {
        name: authority.name,
        summary: `Generate the ${authority.longName}`,
        plan: async ({ pki }) => [
          `[certs] Would write ${pki.certificatesDir}/${authority.baseName}.crt and .key, unless they are there`,
        ],
        async run({ pki, world, tools }) {
          if (skipsEtcd(authority.name, pki.externalEtcd))
            return tools.print(
              `[certs] External etcd mode: Skipping ${authority.baseName} certificate authority generation`,
            )
          await loadOrCreateAuthority(authority, pki, world, tools.print)
        },
      },
      ...certificates
        .filter((certificate) => authorityOf(certificate) === authority)
        .map(
          (certificate): Phase<InitData> => ({
            name: certificate.name,
            summary: `Generate the ${certificate.longName}`,
            plan: async ({ pki }) => [
              `[certs] Would write ${pki.certificatesDir}/${certificate.baseName}.crt and .key, unless they are there`,
            ],
            async run({ pki, world, tools }) {
              if (skipsEtcd(authority.name, pki.externalEtcd))
                return tools.print(
                  `[certs] External etcd mode: Skipping ${certificate.baseName} certificate generation`,
                )
              await loadOrCreateCertificate(certificate, pki, world, tools.print)
            },
          }),
        ),
    ]),
    {
      name: 'sa',
      summary: 'Generate a private key for signing service account tokens along with its public key',
      plan: async ({ pki }) => [`[certs] Would write ${pki.certificatesDir}/sa.key and sa.pub, unless they are there`],
      run: ({ pki, world, tools }) => loadOrCreateServiceAccountKey(pki, world, tools.print),
    },
  ],
}

const skipsEtcd = (authority: string, externalEtcd: boolean) => authority === 'etcd-ca' && externalEtcd

export const kubeconfig: Phase<InitData> = {
  name: 'kubeconfig',
  summary: 'Generate all kubeconfig files necessary to establish the control plane and the admin kubeconfig file',
  async run({ pki, tools }) {
    tools.print(`[kubeconfig] Using kubeconfig folder ${JSON.stringify(pki.kubernetesDir)}`)
  },
  parts: kubeconfigs.map(
    (spec): Phase<InitData> => ({
      name: spec.name,
      summary: `Generate a kubeconfig file: ${spec.longName}`,
      plan: async ({ pki }) => [`[kubeconfig] Would write ${pki.kubernetesDir}/${spec.file}, unless it is there`],
      async run({ pki, world, tools }) {
        // The line about the folder stands above all of them.
        const print = (line: string) => {
          if (!line.startsWith('[kubeconfig] Using kubeconfig folder')) tools.print(line)
        }
        await createKubeconfigs(pki, world, print, [spec.file])
      },
    }),
  ),
}
