import { ConfigMap } from '../kinds/core/config-map.ts'
import { Pod } from '../kinds/core/pod.ts'
import { Secret } from '../kinds/core/secret.ts'
import { ServiceAccount } from '../kinds/core/service-account.ts'
import { again, patch, remove } from '../reconciler/changes.ts'
import { type Context, type Controller, defineController, watch } from '../reconciler/controller.ts'
import { timeOf } from './shared/owner.ts'

const trackingMap = { namespace: 'kube-system', name: 'kube-apiserver-legacy-service-account-token-tracking' } as const
const lastUsedLabel = 'kubernetes.io/legacy-token-last-used'
const invalidSinceLabel = 'kubernetes.io/legacy-token-invalid-since'
const dayMs = 24 * 3_600_000
/** What nobody has used for so long is marked as invalid, and deleted after as long again. */
const unusedMs = 365 * dayMs

/**
 * Deletes tokens of service accounts that were made by the cluster itself, as it did before 1.24, once nobody has used
 * them for a year and then for another. It begins when the API server has taken note of their use for long enough.
 */
export const legacyTokenCleaner: Controller = defineController<Secret>({
  name: 'legacy-serviceaccount-token-cleaner-controller',
  serviceAccount: 'legacy-service-account-token-cleaner',
  reconciles: Secret,
  reads: [ServiceAccount, Pod],
  watches: [
    watch(ConfigMap, ({ object }, { list }) => {
      if (object === undefined || !isTrackingMap(object)) return []
      return list(Secret)
        .filter(isToken)
        .map(({ metadata }) => ({ namespace: metadata.namespace, name: metadata.name! }))
    }),
  ],
  wakes: ({ object }) => object !== undefined && isToken(object),

  *reconcile(secret, context) {
    const { now } = context
    if (!isToken(secret) || !isGenerated(secret, context)) return
    const at = Math.max(trackedFor(context), unusedFrom(secret))
    if (!Number.isFinite(at)) return
    if (at > now) return void (yield again(at - now))
    // Who mounts it uses it, whether it has been seen or not: nothing tells when he stops, so it is looked at daily.
    if (isMounted(secret, context)) return void (yield again(dayMs))
    const since = dateOf(secret.metadata.labels?.[invalidSinceLabel])
    if (since === undefined) {
      const labels = { [invalidSinceLabel]: dateText(now) }
      return void (yield patch(Secret, secret, { type: 'merge', body: { metadata: { labels } } }))
    }
    const end = since + dayMs + unusedMs
    if (end > now) yield again(end - now)
    else yield remove(Secret, secret, { preconditions: { resourceVersion: secret.metadata.resourceVersion! } })
  },
})

const isToken = ({ type, metadata }: Secret) =>
  type === 'kubernetes.io/service-account-token' && metadata.deletionTimestamp === undefined
const isTrackingMap = ({ metadata }: ConfigMap) =>
  metadata.name === trackingMap.name && metadata.namespace === trackingMap.namespace

/** From when on the API server has known for long enough who uses tokens; infinity while it does not say. */
function trackedFor({ get }: Context): number {
  const since = dateOf(get(ConfigMap, trackingMap)?.data?.since)
  return since === undefined ? Number.POSITIVE_INFINITY : since + dayMs + unusedMs
}

/** From when on a token counts as unused. */
function unusedFrom({ metadata }: Secret): number {
  const created = timeOf(metadata.creationTimestamp) + unusedMs
  const label = metadata.labels?.[lastUsedLabel]
  if (label === undefined) return created
  const used = dateOf(label)
  return used === undefined ? Number.POSITIVE_INFINITY : Math.max(created, used + dayMs + unusedMs)
}

/** Only of those that its account lists is it known that nobody made them by hand. */
function isGenerated({ metadata }: Secret, { get }: Context): boolean {
  const { annotations = {}, namespace } = metadata
  const account = get(ServiceAccount, { namespace, name: annotations['kubernetes.io/service-account.name'] ?? '' })
  const uid = annotations['kubernetes.io/service-account.uid']
  if (account === undefined || (uid && uid !== account.metadata.uid)) return false
  return account.secrets?.some(({ name }) => name === metadata.name) ?? false
}

const isMounted = ({ metadata }: Secret, { list }: Context): boolean =>
  list(Pod, metadata.namespace).some(({ spec }) => namesSecret(spec, metadata.name!))

/** Whether a pod names a secret, in whichever of the many places. */
function namesSecret(value: unknown, name: string): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.some((item) => namesSecret(item, name))
  return Object.entries(value).some(([key, inner]) => {
    if (key === 'secretName') return inner === name
    if (key === 'imagePullSecrets') return inner.some((each: { readonly name?: string }) => each.name === name)
    if (/^secret$|secret(Key)?Ref$/i.test(key) && inner?.name === name) return true
    return namesSecret(inner, name)
  })
}

const dateText = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

/** The beginning of a day that is written as 2026-01-31. */
function dateOf(text: string | undefined): number | undefined {
  const time = text !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(time) ? undefined : time
}
