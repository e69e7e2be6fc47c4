import type { Client } from '../../client/client.ts'
import type { TokenRequest } from '../../kinds/authentication/token-request.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { ServiceAccount } from '../../kinds/core/service-account.ts'
import type { ServiceAccountTokenProjection } from '../../kinds/core/volumes.ts'
import type { Random } from '../../world/world.ts'

/** A token of a pod's service account. */
export interface PodToken {
  readonly token: string
  /** From then on another is to be had. Wall clock. */
  readonly renewAtMs: number
}

const usualSeconds = 3600
const longestUseMs = 24 * 3600 * 1000
const jitterMaxMs = 10_000

/** Has the API make a token that ends with the pod. Rejects with an `ApiError`. */
export async function requestToken(
  client: Pick<Client, 'createSubresource'>,
  { metadata: { namespace = '', name = '', uid = '' }, spec }: Pod,
  { audience, expirationSeconds = usualSeconds }: ServiceAccountTokenProjection,
  random: Random,
): Promise<PodToken> {
  const account = { namespace, name: spec.serviceAccountName || 'default' }
  const answer = (await client.createSubresource(ServiceAccount, account, 'token', {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      ...(audience && { audiences: [audience] }),
      expirationSeconds,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
    },
  })) as TokenRequest
  const { token, expirationTimestamp } = answer.status
  const lifeMs = (answer.spec.expirationSeconds ?? expirationSeconds) * 1000
  return { token, renewAtMs: renewalOf(Date.parse(expirationTimestamp), lifeMs, random.next() * jitterMaxMs) }
}

/** As the reference: when a fifth of its life is left, or it is a day old, and a moment earlier so that not all come at once. */
export function renewalOf(endsMs: number, lifeMs: number, jitterMs: number): number {
  const beganMs = endsMs - lifeMs
  return Math.min(endsMs - lifeMs / 5, beganMs + longestUseMs) - jitterMs
}
