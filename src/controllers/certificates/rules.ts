import type { ParsedRequest } from './request.ts'

export const kubeletClient = 'kubernetes.io/kube-apiserver-client-kubelet'
export const kubeletServing = 'kubernetes.io/kubelet-serving'
export const apiServerClient = 'kubernetes.io/kube-apiserver-client'
export const legacyUnknown = 'kubernetes.io/legacy-unknown'

type Rule = (request: ParsedRequest, usages: readonly string[]) => string | undefined

/** By signer: why it would not sign a request, in the reference's words; nothing when it would. */
export const signerRules: Readonly<Record<string, Rule>> = {
  [kubeletClient]: clientFault,
  [kubeletServing]: servingFault,
  [apiServerClient]: (_, usages) => clientUsagesFault(usages),
  [legacyUnknown]: () => undefined,
}

function clientFault({ organizations, alternatives, commonName }: ParsedRequest, usages: readonly string[]) {
  if (!areNodes(organizations)) return 'subject organization is not system:nodes'
  if (alternatives.dns > 0) return 'DNS subjectAltNames are not allowed'
  if (alternatives.email > 0) return 'Email subjectAltNames are not allowed'
  if (alternatives.ip > 0) return 'IP subjectAltNames are not allowed'
  if (alternatives.uri > 0) return 'URI subjectAltNames are not allowed'
  if (!isNode(commonName)) return 'subject common name does not begin with system:node: '
  return usagesFault(usages, 'client auth')
}

function servingFault({ organizations, alternatives, commonName }: ParsedRequest, usages: readonly string[]) {
  if (!areNodes(organizations)) return 'subject organization is not system:nodes'
  if (alternatives.dns === 0 && alternatives.ip === 0) return 'DNS or IP subjectAltName is required'
  if (alternatives.email > 0) return 'Email subjectAltNames are not allowed'
  if (alternatives.uri > 0) return 'URI subjectAltNames are not allowed'
  const fault = usagesFault(usages, 'server auth')
  if (fault !== undefined) return fault
  return isNode(commonName) ? undefined : 'subject common name does not begin with system:node: '
}

const areNodes = (organizations: readonly string[]) => organizations.length === 1 && organizations[0] === 'system:nodes'
const isNode = (commonName: string) => commonName.startsWith('system:node:')

/** Keys that cannot encipher (ECDSA) do without that usage. */
function usagesFault(usages: readonly string[], purpose: string): string | undefined {
  const wanted = ['digital signature', 'key encipherment', purpose].sort()
  const given = [...new Set(usages)].sort()
  const isSame = (list: readonly string[]) => list.join() === given.join()
  if (isSame(wanted) || isSame(wanted.filter((usage) => usage !== 'key encipherment'))) return undefined
  return `usages did not match [${wanted.join(' ')}]`
}

function clientUsagesFault(usages: readonly string[]): string | undefined {
  const allowed = ['digital signature', 'key encipherment', 'client auth']
  const other = usages.find((usage) => !allowed.includes(usage))
  if (other !== undefined) return `invalid usage for client certificate: ${other}`
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth'
}
