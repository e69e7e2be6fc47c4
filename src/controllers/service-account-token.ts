import type { Client } from '../client/client.ts'
import { Secret } from '../kinds/core/secret.ts'
import { ServiceAccount } from '../kinds/core/service-account.ts'
import type { CacheChange } from '../reconciler/caches.ts'
import { type Controller, defineController, type WatchContext, watch } from '../reconciler/controller.ts'
import { isConflict, isNotFound } from '../schema/status.ts'

const nameAnnotation = 'kubernetes.io/service-account.name'
const uidAnnotation = 'kubernetes.io/service-account.uid'

export interface ServiceAccountTokenOptions {
  /** Signs what a secret is to hold; absent: secrets stay as they are. */
  readonly signSecretToken?: (subject: {
    readonly namespace: string
    readonly secret: string
    readonly account: string
    readonly accountUid: string
  }) => string
  /** The certificate authority of the API server, in PEM. */
  readonly rootCertificate?: string
}

/**
 * Puts a token into each secret that is made for one, with what its bearer needs to ask the API server, and deletes those
 * whose service account is gone: nobody could tell any more whom they let in.
 */
export function serviceAccountTokenController(options: ServiceAccountTokenOptions): Controller {
  return defineController<Secret>({
    name: 'serviceaccount-token-controller',
    // The bootstrap policy gives secrets to the manager alone, and to no account of its controllers.
    serviceAccount: undefined,
    reconciles: Secret,
    watches: [watch(ServiceAccount, secretsOf)],
    wakes: ({ object }) => object !== undefined && isToken(object),

    async reconcile(secret, { client }) {
      const { namespace, annotations = {} } = secret.metadata
      const account = annotations[nameAnnotation]
      if (!isToken(secret) || account === undefined) return undefined
      // The server is asked: a cache may not show an account yet that was made a moment before its secret.
      const uid = await uidOf(client, namespace, account)
      try {
        if (uid === undefined || (annotations[uidAnnotation] ?? uid) !== uid) await remove(client, secret)
        else await fill(client, secret, { account, uid })
      } catch (error) {
        if (!isNotFound(error) && !isConflict(error)) throw error
      }
      return undefined
    },
  })

  /** Under the version that was read: nobody's token is written over. */
  async function fill(client: Client, secret: Secret, { account, uid }: { account: string; uid: string }) {
    const { signSecretToken, rootCertificate } = options
    if (signSecretToken === undefined || secret.metadata.deletionTimestamp !== undefined) return
    const { namespace = '', name = '', annotations } = secret.metadata
    const base64 = (text: string) => Buffer.from(text).toString('base64')
    const data: Record<string, string> = { ...secret.data }
    if (rootCertificate) data['ca.crt'] = base64(rootCertificate)
    data['namespace'] ||= base64(namespace)
    data['token'] ||= base64(signSecretToken({ namespace, secret: name, account, accountUid: uid }))
    const isComplete = Object.entries(data).every(([key, value]) => secret.data?.[key] === value)
    if (isComplete && annotations?.[uidAnnotation] === uid) return
    const metadata = { ...secret.metadata, annotations: { ...annotations, [uidAnnotation]: uid } }
    await client.update(Secret, { ...secret, metadata, data })
  }
}

function remove(client: Client, { metadata: { namespace, name = '', uid } }: Secret) {
  return client.delete(Secret, { namespace, name }, { preconditions: { uid } })
}

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
