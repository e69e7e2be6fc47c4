import type { Client } from '../client/client.ts'
import { Secret } from '../kinds/core/secret.ts'
import { ServiceAccount } from '../kinds/core/service-account.ts'
import type { CacheChange } from '../reconciler/caches.ts'
import { type Controller, defineController, type WatchContext, watch } from '../reconciler/controller.ts'
import { isConflict, isNotFound } from '../schema/status.ts'

const nameAnnotation = 'kubernetes.io/service-account.name'
const uidAnnotation = 'kubernetes.io/service-account.uid'

/** Deletes token secrets whose service account is gone: nobody could tell any more whom they let in. */
export const serviceAccountTokenController: Controller = defineController<Secret>({
  name: 'serviceaccount-token-controller',
  serviceAccount: 'service-account-controller',
  reconciles: Secret,
  watches: [watch(ServiceAccount, secretsOf)],
  wakes: ({ object }) => object !== undefined && isToken(object),

  async reconcile(secret, { client }) {
    if (!isToken(secret)) return undefined
    const { namespace, name = '', uid, annotations = {} } = secret.metadata
    const account = annotations[nameAnnotation]
    // The server is asked: a cache may not show an account yet that was made a moment before its secret.
    const uidNow = account === undefined ? undefined : await uidOf(client, namespace, account)
    if (account === undefined || (uidNow !== undefined && (annotations[uidAnnotation] ?? uidNow) === uidNow))
      return undefined
    try {
      await client.delete(Secret, { namespace, name }, { preconditions: { uid } })
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error
    }
    return undefined
  },
})

const isToken = ({ type }: Secret) => type === 'kubernetes.io/service-account-token'

function* secretsOf({ object, old }: CacheChange<ServiceAccount>, { list }: WatchContext) {
  if (object !== undefined && object.metadata.uid === old?.metadata.uid) return
  const { namespace, name: account } = (object ?? old!).metadata
  for (const { metadata } of list(Secret, namespace))
    if (metadata.annotations?.[nameAnnotation] === account) yield { namespace, name: metadata.name! }
}

async function uidOf(client: Client, namespace: string | undefined, name: string): Promise<string | undefined> {
  try {
    return (await client.get(ServiceAccount, { namespace, name })).metadata.uid
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
