import { Node } from '../../kinds/core/node.ts'
import { Pod } from '../../kinds/core/pod.ts'
import { equalJson } from '../../schema/freeze.ts'
import { type ApiError, notFound } from '../../schema/status.ts'
import type { ClusterReader } from '../admission.ts'
import { podConfigMaps, podSecrets } from '../authz/object-references.ts'
import { nameOf } from './is.ts'
import type { NodeRequest } from './node-restriction.ts'
import { refuse } from './refuse.ts'

const mirror = 'kubernetes.io/config.mirror'

/** A node agent makes mirrors of its static pods, and deletes pods that are bound to it. */
export function checkPod(request: NodeRequest, reader: ClusterReader): void {
  const { node, operation } = request
  if (operation === 'CREATE') return checkMirror(request, reader)
  if (operation === 'DELETE') {
    if ((request.oldObject as Pod).spec.nodeName === node) return
    throw refuse(request, `node "${node}" can only delete pods with spec.nodeName set to itself`)
  }
  const what = JSON.stringify(operation)
  throw refuse(request, `unexpected operation ${what}, node "${node}" can only create and delete mirror pods`)
}

function checkMirror(request: NodeRequest, reader: ClusterReader): void {
  const { node } = request
  const pod = request.object as Pod
  const say = (why: string) => refuse(request, why)
  if (pod.metadata.annotations?.[mirror] === undefined) {
    throw say(`pod does not have "${mirror}" annotation, node "${node}" can only create mirror pods`)
  }
  if (pod.spec.nodeName !== node) throw say(`node "${node}" can only create pods with spec.nodeName set to itself`)
  checkOwner(pod, node, reader, say)
  const reference = referenceOf(pod)
  if (reference !== undefined) throw say(`node "${node}" can not create pods that reference ${reference}`)
}

function checkOwner(pod: Pod, node: string, reader: ClusterReader, say: (why: string) => ApiError): void {
  const [owner, ...others] = pod.metadata.ownerReferences ?? []
  if (others.length > 0) {
    throw say(`node "${node}" can only create pods with a single owner reference set to itself`)
  }
  if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node) {
    throw say(`node "${node}" can only create pods with an owner reference set to itself`)
  }
  if (!owner.controller) {
    throw say(`node "${node}" can only create pods with a controller owner reference set to itself`)
  }
  if (owner.blockOwnerDeletion) throw say(`node "${node}" must not set blockOwnerDeletion on an owner reference`)
  const found = reader.get(Node, '', node)
  if (!found) throw notFound({ group: '', resource: 'nodes' }, node)
  if (owner.uid === found.metadata.uid) return
  throw say(`node ${node} UID mismatch: expected ${owner.uid} got ${found.metadata.uid}`)
}

/** What a mirror refers to, if anything: a node could otherwise open to itself whatever it names. */
function referenceOf({ spec }: Pod): string | undefined {
  if (spec.serviceAccountName) return 'a service account'
  if (podSecrets(spec).length > 0) return 'secrets'
  if (podConfigMaps(spec).length > 0) return 'configmaps'
  const volumes = spec.volumes ?? []
  const hasTrustBundle = volumes.some(({ projected }) => projected?.sources?.some((each) => each.clusterTrustBundle))
  if (hasTrustBundle) return 'clustertrustbundles'
  if (volumes.some(({ persistentVolumeClaim }) => persistentVolumeClaim)) return 'persistentvolumeclaims'
  return (spec.resourceClaims?.length ?? 0) > 0 ? 'resourceclaims' : undefined
}

export function checkPodStatus(request: NodeRequest): void {
  const { node, operation } = request
  if (operation !== 'UPDATE') throw refuse(request, `unexpected operation ${JSON.stringify(operation)}`)
  const pod = request.object as Pod
  const old = request.oldObject as Pod
  if (old.spec.nodeName !== node) {
    throw refuse(request, `node "${node}" can only update pod status for pods with spec.nodeName set to itself`)
  }
  if (!equalJson(pod.metadata.labels ?? {}, old.metadata.labels ?? {})) {
    throw refuse(request, `node "${node}" cannot update labels through pod status`)
  }
  if (!equalJson(pod.status?.resourceClaimStatuses ?? [], old.status?.resourceClaimStatuses ?? [])) {
    throw refuse(request, `node "${node}" cannot update resource claim statues`)
  }
  if (!equalJson(pod.status?.extendedResourceClaimStatus, old.status?.extendedResourceClaimStatus)) {
    throw refuse(request, `node "${node}" cannot update extended resource claim status`)
  }
}

export function checkEviction(request: NodeRequest, reader: ClusterReader): void {
  const { node, namespace, operation } = request
  if (operation !== 'CREATE') throw refuse(request, `unexpected operation ${operation}`)
  const name = request.name || nameOf(request)
  if (name === '') throw refuse(request, 'could not determine pod from request data')
  const pod = reader.get(Pod, namespace, name)
  if (!pod) throw notFound({ group: '', resource: 'pods' }, name)
  if (pod.spec.nodeName === node) return
  throw refuse(request, `node ${node} can only evict pods with spec.nodeName set to itself`)
}
