import type { Secret } from '../../kinds/core/secret.ts'

/** The namespace in which bootstrap tokens count. */
export const tokenNamespace = 'kube-system'

/** Whether a secret is a token by which nodes join (`bootstrap-token-<id>`, as kubeadm makes them). */
export const isBootstrapToken = ({ type, metadata }: Secret): boolean =>
  type === 'bootstrap.kubernetes.io/token' && metadata.namespace === tokenNamespace

/** When a token ends, in milliseconds since 1970: never without a time, at once with one that cannot be read. */
export function expiryOf(secret: Secret): number {
  const text = textIn(secret, 'expiration')
  if (text === '') return Number.POSITIVE_INFINITY
  const time = rfc3339.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(time) ? 0 : time
}

const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/

export const textIn = ({ data }: Secret, key: string): string => Buffer.from(data?.[key] ?? '', 'base64').toString()
