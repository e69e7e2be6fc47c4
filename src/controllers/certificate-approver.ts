import { secondsTime } from '../base/seconds-time.ts'
import type { Client } from '../client/client.ts'
import { SubjectAccessReview } from '../kinds/authorization/subject-access-review.ts'
import { CertificateSigningRequest } from '../kinds/certificates/certificate-signing-request.ts'
import { ClusterRole } from '../kinds/rbac/cluster-role.ts'
import { ClusterRoleBinding } from '../kinds/rbac/cluster-role-binding.ts'
import { type Controller, defineController, type WatchContext, watch } from '../reconciler/controller.ts'
import { isConflict, isNotFound } from '../schema/status.ts'
import { type ParsedRequest, parseRequest } from './certificates/request.ts'
import { kubeletClient, signerRules } from './certificates/rules.ts'

/**
 * Approves what nodes ask for to speak to the API server: their first certificate, and the next one from the node that
 * has one already. Whether they may is a question to the authorizers, and is asked again when roles change.
 */
export const certificateApprover: Controller = defineController<CertificateSigningRequest>({
  name: 'certificatesigningrequest-approving-controller',
  serviceAccount: 'certificate-controller',
  reconciles: CertificateSigningRequest,
  watches: [watch(ClusterRoleBinding, pending), watch(ClusterRole, pending)],
  wakes: ({ object }) => object !== undefined && isPending(object),

  async reconcile(request, { client, now }) {
    if (!isPending(request)) return undefined
    const parsed = parseRequest(request.spec.request)
    if (parsed === undefined || signerRules[kubeletClient]!(parsed, request.spec.usages ?? []) !== undefined)
      return undefined
    for (const { subresource, message } of grounds(request, parsed))
      if (await mayAsk(client, request, subresource)) return approve(client, request, message, now)
    return undefined
  },
})

function isPending({ spec, status }: CertificateSigningRequest): boolean {
  if (spec.signerName !== kubeletClient || status.certificate) return false
  return !(status.conditions ?? []).some(({ type }) => type === 'Approved' || type === 'Denied')
}

function pending(_: unknown, { list }: WatchContext) {
  return list(CertificateSigningRequest)
    .filter(isPending)
    .map(({ metadata }) => ({ name: metadata.name! }))
}

function grounds({ spec }: CertificateSigningRequest, { commonName }: ParsedRequest) {
  const first = {
    subresource: 'nodeclient',
    message: 'Auto approving kubelet client certificate after SubjectAccessReview.',
  }
  const next = {
    subresource: 'selfnodeclient',
    message: 'Auto approving self kubelet client certificate after SubjectAccessReview.',
  }
  return spec.username === commonName ? [next, first] : [first]
}

async function mayAsk(client: Client, { spec }: CertificateSigningRequest, subresource: string): Promise<boolean> {
  const { username: user, uid, groups, extra } = spec
  const resourceAttributes = {
    group: 'certificates.k8s.io',
    resource: 'certificatesigningrequests',
    verb: 'create',
    subresource,
  }
  const review = await client.create(SubjectAccessReview, {
    spec: {
      resourceAttributes,
      ...(user && { user }),
      ...(uid && { uid }),
      ...(groups && { groups }),
      ...(extra && { extra }),
    },
  })
  return review.status.allowed
}

async function approve(
  client: Client,
  request: CertificateSigningRequest,
  message: string,
  now: number,
): Promise<undefined> {
  const time = secondsTime(now)
  const approved = {
    type: 'Approved',
    status: 'True',
    reason: 'AutoApproved',
    message,
    lastUpdateTime: time,
    lastTransitionTime: time,
  }
  const conditions = [...(request.status.conditions ?? []), approved]
  try {
    await client.update(
      CertificateSigningRequest,
      { ...request, status: { ...request.status, conditions } },
      { subresource: 'approval' },
    )
  } catch (error) {
    // Somebody else was faster.
    if (!isConflict(error) && !isNotFound(error)) throw error
  }
  return undefined
}
