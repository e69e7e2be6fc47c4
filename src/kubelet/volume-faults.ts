import type { ConfigMap } from '../kinds/core/config-map.ts'
import type { Secret } from '../kinds/core/secret.ts'

/** What a volume, or a part of one, wants of a ConfigMap or a Secret. */
interface Wanted {
  readonly name?: string | undefined
  readonly items?: readonly { readonly key: string }[] | undefined
  readonly optional?: boolean | undefined
}

/** As the kubelet says that a volume is not there. */
export const setUpFailed = (volume: string, why: string): string =>
  `MountVolume.SetUp failed for volume ${JSON.stringify(volume)} : ${why}`

/** What is missing of a ConfigMap, in the kubelet's words; nothing when all is there, or may be missing. */
export function configMapFault({ name, items, optional }: Wanted, present: ConfigMap | undefined): string | undefined {
  if (optional) return undefined
  if (present === undefined) return `configmap ${JSON.stringify(name)} not found`
  const missing = missingKey(items, { ...present.data, ...present.binaryData })
  return missing === undefined ? undefined : `configmap references non-existent config key: ${missing}`
}

/** The same of a Secret. */
export function secretFault({ name, items, optional }: Wanted, present: Secret | undefined): string | undefined {
  if (optional) return undefined
  if (present === undefined) return `secret ${JSON.stringify(name)} not found`
  const missing = missingKey(items, { ...present.data })
  return missing === undefined ? undefined : `references non-existent secret key: ${missing}`
}

/** The same of one entry that a variable is to have. */
export function keyFault(
  kind: 'ConfigMap' | 'Secret',
  namespace: string,
  { name, key, optional }: { readonly name?: string; readonly key: string; readonly optional?: boolean | undefined },
  data: object = {},
): string | undefined {
  return optional || Object.hasOwn(data, key) ? undefined : `couldn't find key ${key} in ${kind} ${namespace}/${name}`
}

const missingKey = (items: Wanted['items'], data: object) => items?.find(({ key }) => !Object.hasOwn(data, key))?.key
