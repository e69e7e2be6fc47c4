import { parseDuration } from '../../base/duration.ts'
import { bool, explicit, type Infer, int64, list, object, optional, required, string } from '../../schema/types.ts'

const prefix = 'io.k8s.kube-scheduler.config.v1'

const ManagedResource = object(`${prefix}.ExtenderManagedResource`, 'A resource that an extender looks after.', {
  name: required(1, string, 'Name of the resource.'),
  ignoredByScheduler: optional(2, bool, 'Whether the scheduler itself does not count it.'),
})

const TlsConfig = object(`${prefix}.ExtenderTLSConfig`, 'How an extender is reached over TLS.', {
  insecure: optional(1, bool, 'Whether its certificate is not checked.'),
  serverName: optional(2, string, 'The name that its certificate must hold for.'),
  certFile: optional(3, string, 'File with a certificate for this client.'),
  keyFile: optional(4, string, 'File with the key of that certificate.'),
  caFile: optional(5, string, 'File with the authority that its certificate is of.'),
  certData: optional(6, string, 'The certificate itself, PEM in base64.'),
  keyData: optional(7, string, 'The key itself.'),
  caData: optional(8, string, 'The authority itself.'),
})

/** A program that is asked beside the plugins. */
export const ExtenderConfiguration = object(`${prefix}.Extender`, 'A server that is asked beside the plugins.', {
  urlPrefix: required(1, string, 'Where it is; verbs are put behind it.'),
  filterVerb: optional(2, string, 'Verb that refuses nodes.'),
  preemptVerb: optional(3, string, 'Verb that says whether others may be driven away.'),
  prioritizeVerb: optional(4, string, 'Verb that ranks nodes.'),
  weight: optional(5, int64, 'How much its ranks count; needed with prioritizeVerb.'),
  bindVerb: optional(6, string, 'Verb that binds; only one extender may have it.'),
  enableHTTPS: optional(7, bool, 'Whether it speaks TLS.'),
  tlsConfig: explicit(8, TlsConfig, 'How it is reached over TLS.'),
  httpTimeout: optional(9, string, 'How long it may take; 5s when absent.'),
  nodeCacheCapable: optional(10, bool, 'Whether it knows the nodes, so that their names are enough.'),
  managedResources: optional(11, list(ManagedResource), 'It is asked for pods alone that want one of these.'),
  ignorable: optional(12, bool, 'Whether pods are placed without it when it cannot be asked.'),
})
export interface ExtenderConfiguration extends Infer<typeof ExtenderConfiguration> {}

const usualTimeoutMs = 5000

/** How long an extender may take. Throws what is wrong with what is said. */
export const timeoutMsOf = ({ httpTimeout }: ExtenderConfiguration): number =>
  httpTimeout && httpTimeout !== '0s' ? parseDuration(httpTimeout) : usualTimeoutMs

/** The same with what files say in the place of their names. */
export async function withContents(
  extenders: readonly ExtenderConfiguration[],
  read: (path: string) => Promise<string>,
): Promise<ExtenderConfiguration[]> {
  return Promise.all(
    extenders.map(async (extender) => {
      const tls = extender.tlsConfig
      if (!tls) return extender
      const { certFile, keyFile, caFile, ...rest } = tls
      const [certData, keyData, caData] = await Promise.all(
        [certFile, keyFile, caFile].map(async (path) => path && Buffer.from(await read(path)).toString('base64')),
      )
      const tlsConfig = {
        ...rest,
        ...(certData && { certData }),
        ...(keyData && { keyData }),
        ...(caData && { caData }),
      }
      return { ...extender, tlsConfig }
    }),
  )
}

/** What is wrong with extenders that are given, with its place; nothing when nothing is. */
export function faultIn(extenders: readonly ExtenderConfiguration[]): string | undefined {
  for (const [at, extender] of extenders.entries()) {
    const path = `extenders[${at}]`
    if (!URL.canParse(extender.urlPrefix))
      return `${path}.urlPrefix: Invalid value: ${JSON.stringify(extender.urlPrefix)}`
    if (extender.prioritizeVerb && !(Number(extender.weight ?? 0) > 0))
      return `${path}.weight: Invalid value: ${extender.weight ?? 0}: must have a positive weight applied to it`
    try {
      timeoutMsOf(extender)
    } catch {
      return `${path}.httpTimeout: Invalid value: ${JSON.stringify(extender.httpTimeout)}`
    }
    for (const { name } of extender.managedResources ?? [])
      if (!/^[^/]+\/[^/]+$/.test(name))
        return `${path}.managedResources: Invalid value: ${JSON.stringify(name)}: must be an extended resource`
  }
  const binders = extenders.filter(({ bindVerb }) => bindVerb).length
  return binders > 1
    ? `extenders: Invalid value: found ${binders} extenders implementing bind: only one extender can implement bind`
    : undefined
}
