import type { CertificateSigningRequest } from '../../kinds/certificates/certificate-signing-request.ts'
import type { Node } from '../../kinds/core/node.ts'
import type { PersistentVolumeClaim } from '../../kinds/core/persistent-volume-claim.ts'
import type { ResourceSlice } from '../../kinds/resource/resource-slice.ts'
import { equalJson } from '../../schema/freeze.ts'
import type { AdmissionAttributes, AdmissionPlugin, ClusterReader } from '../admission.ts'
import type { Authorizer } from '../authz/authz.ts'
import { nodeNameOf } from '../authz/node-identity.ts'
import { certificateSubject } from './certificate-subject.ts'
import { nameOf } from './is.ts'
import { forbiddenNodeLabels } from './node-labels.ts'
import { checkEviction, checkPod, checkPodStatus } from './node-restriction-pods.ts'
import { checkTokenRequest } from './node-restriction-tokens.ts'
import { refuse } from './refuse.ts'

/** One request of a node agent. */
export interface NodeRequest extends AdmissionAttributes {
  readonly node: string
}

type Check = (request: NodeRequest) => void | Promise<void>

/**
 * What the node authorizer cannot see, because it is in the body: a node agent writes its own node, the status of pods
 * that are bound to it, mirrors of its static pods, tokens for its pods, its own lease, driver list and device slices
 * (`NodeRestriction`).
 */
export function nodeRestriction(reader: ClusterReader, authorizer: Authorizer): AdmissionPlugin {
  const checks: Readonly<Record<string, Check | undefined>> = {
    'pods.': (request) => {
      if (request.subresource === '') return checkPod(request, reader)
      if (request.subresource === 'status') return checkPodStatus(request)
      if (request.subresource === 'eviction') return checkEviction(request, reader)
      const subresource = JSON.stringify(request.subresource)
      throw refuse(request, `unexpected pod subresource ${subresource}, only 'status' and 'eviction' are allowed`)
    },
    'nodes.': checkNode,
    'persistentvolumeclaims.': checkClaim,
    'serviceaccounts.': (request) => checkTokenRequest(request, reader, authorizer),
    'leases.coordination.k8s.io': checkLease,
    'csinodes.storage.k8s.io': checkDriverList,
    'resourceslices.resource.k8s.io': checkSlice,
    'certificatesigningrequests.certificates.k8s.io': checkCertificateRequest,
  }
  const checkOf = ({ kind }: AdmissionAttributes) => checks[`${kind.plural}.${kind.group}`]
  return {
    name: 'NodeRestriction',
    handles: (attributes) =>
      attributes.operation !== 'CONNECT' &&
      nodeNameOf(attributes.context.user) !== undefined &&
      checkOf(attributes) !== undefined,
    validate(attributes) {
      const { user } = attributes.context
      const node = nodeNameOf(user)
      if (!node) throw refuse(attributes, `could not determine node from user ${JSON.stringify(user.name)}`)
      return checkOf(attributes)!({ ...attributes, node })
    },
  }
}

function checkNode(request: NodeRequest): void {
  const { node, operation } = request
  const say = (why: string) => refuse(request, why)
  const name = nameOf(request)
  if (name !== node) throw say(`node "${node}" is not allowed to modify node "${name}"`)
  const wanted = request.object as Node
  const old = request.oldObject as Node | undefined
  if (operation === 'CREATE') {
    if (wanted.spec?.configSource) {
      throw say(`node "${node}" is not allowed to create pods with a non-nil configSource`)
    }
    const labels = forbiddenNodeLabels(wanted.metadata.labels, {})
    if (labels !== '') throw say(`node "${node}" is not allowed to set the following labels: ${labels}`)
  }
  if (operation !== 'UPDATE' || !old) return
  const { configSource } = wanted.spec ?? {}
  if (configSource && !equalJson(configSource, old.spec?.configSource)) {
    throw say(`node "${node}" is not allowed to update configSource to a new non-nil configSource`)
  }
  // By its taints a node could draw pods to itself that are meant for others.
  if (!equalJson(wanted.spec?.taints ?? [], old.spec?.taints ?? [])) {
    throw say(`node "${node}" is not allowed to modify taints`)
  }
  const labels = forbiddenNodeLabels(wanted.metadata.labels, old.metadata.labels)
  if (labels !== '') throw say(`is not allowed to modify labels: ${labels}`)
}

/** The size and the conditions of a volume that the node has just grown. */
function checkClaim(request: NodeRequest): void {
  const { node, subresource, operation, object, oldObject } = request
  if (subresource !== 'status') throw refuse(request, 'may only update PVC status')
  if (operation !== 'UPDATE') throw refuse(request, `unexpected operation ${JSON.stringify(operation)}`)
  if (equalJson(withoutSize(object as PersistentVolumeClaim), withoutSize(oldObject as PersistentVolumeClaim))) return
  throw refuse(
    request,
    `node "${node}" is not allowed to update fields other than status.quantity and status.conditions`,
  )
}

function withoutSize({ metadata, spec, status }: PersistentVolumeClaim): object {
  const { resourceVersion: _version, managedFields: _managers, ...facts } = metadata
  const { capacity: _, conditions: _c, allocatedResources: _a, allocatedResourceStatuses: _s, ...rest } = status ?? {}
  return { metadata: facts, spec, status: rest }
}

function checkLease(request: NodeRequest): void {
  if (request.namespace !== 'kube-node-lease') {
    throw refuse(request, 'can only access leases in the "kube-node-lease" system namespace')
  }
  if (nameOf(request) !== request.node) {
    throw refuse(request, 'can only access node lease with the same name as the requesting node')
  }
}

function checkDriverList(request: NodeRequest): void {
  if (nameOf(request) === request.node) return
  throw refuse(request, 'can only access CSINode with the same name as the requesting node')
}

function checkSlice(request: NodeRequest): void {
  const { operation, node } = request
  if (operation === 'UPDATE') return
  const slice = (operation === 'CREATE' ? request.object : request.oldObject) as ResourceSlice
  if (slice.spec.nodeName === node) return
  throw refuse(
    request,
    `can only ${operation.toLowerCase()} ResourceSlice with the same NodeName as the requesting node`,
  )
}

const nodeSigners: ReadonlySet<string> = new Set([
  'kubernetes.io/kubelet-serving',
  'kubernetes.io/kube-apiserver-client-kubelet',
])

function checkCertificateRequest(request: NodeRequest): void {
  const { operation, subresource, object, node } = request
  if (operation !== 'CREATE' || subresource !== '') return
  const { spec } = object as CertificateSigningRequest
  if (!nodeSigners.has(spec.signerName)) return
  const subject = certificateSubject(spec.request)
  if (!subject) throw refuse(request, 'unable to parse csr: PEM block type must be CERTIFICATE REQUEST')
  if (subject.commonNames.at(-1) !== `system:node:${node}`) {
    throw refuse(request, `can only create a node CSR with CN=system:node:${node}`)
  }
}
