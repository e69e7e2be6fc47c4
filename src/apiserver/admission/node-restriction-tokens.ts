import type { TokenRequest } from '../../kinds/authentication/token-request.ts'
import { PersistentVolume } from '../../kinds/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../kinds/core/persistent-volume-claim.ts'
import { Pod } from '../../kinds/core/pod.ts'
import type { Volume } from '../../kinds/core/volumes.ts'
import { CSIDriver } from '../../kinds/storage/csi-driver.ts'
import { notFound } from '../../schema/status.ts'
import type { ClusterReader } from '../admission.ts'
import type { Authorizer } from '../authz/authz.ts'
import type { NodeRequest } from './node-restriction.ts'
import { refuse } from './refuse.ts'

/**
 * A node agent gets tokens for the pods that are bound to it, and only for such audiences as the pod itself asks for in
 * a volume, or its storage driver does, or somebody lets it have by the verb `request-serviceaccounts-token-audience`
 * (KEP-4935).
 */
export async function checkTokenRequest(
  request: NodeRequest,
  reader: ClusterReader,
  authorizer: Authorizer,
): Promise<void> {
  const { operation, subresource, namespace, node } = request
  if (operation !== 'CREATE' || subresource !== 'token') return
  const { spec } = request.object as unknown as TokenRequest
  const say = (why: string) => refuse(request, why)
  const bound = spec.boundObjectRef
  if (bound?.apiVersion !== 'v1' || bound.kind !== 'Pod' || !bound.name) {
    throw say('node requested token not bound to a pod')
  }
  if (!bound.uid) throw say('node requested token with a pod binding without a uid')
  const pod = reader.get(Pod, namespace, bound.name)
  if (!pod) throw notFound({ group: '', resource: 'pods' }, bound.name)
  if (bound.uid !== pod.metadata.uid) {
    throw say(
      `the UID in the bound object reference (${bound.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    )
  }
  if (pod.spec.nodeName !== node) throw say('node requested token bound to a pod scheduled on a different node')
  const audiences = spec.audiences ?? []
  if (audiences.length > 1) throw say('node may only request 0 or 1 audiences')
  const [audience = ''] = audiences
  if (asksFor(pod, audience, reader) || (await isAllowedAudience(request, audience, authorizer))) return
  throw say(
    `audience ${JSON.stringify(audience)} not found in pod spec volume, ${request.context.user.name} is not authorized to request tokens for this audience`,
  )
}

/** Whether a volume of the pod asks for a token of an audience, itself or by its driver. */
const asksFor = (pod: Pod, audience: string, reader: ClusterReader): boolean =>
  (pod.spec.volumes ?? []).some((volume) => {
    const own = volume.projected?.sources?.some(
      ({ serviceAccountToken }) => serviceAccountToken && (serviceAccountToken.audience ?? '') === audience,
    )
    if (own) return true
    const driver = driverOf(pod, volume, reader)
    const found = driver === undefined ? undefined : reader.get(CSIDriver, '', driver)
    return found?.spec.tokenRequests?.some((token) => token.audience === audience) ?? false
  })

function driverOf({ metadata }: Pod, volume: Volume, reader: ClusterReader): string | undefined {
  if (volume.csi) return volume.csi.driver
  const claimName = volume.ephemeral ? `${metadata.name}-${volume.name}` : volume.persistentVolumeClaim?.claimName
  if (claimName === undefined) return undefined
  const claim = reader.get(PersistentVolumeClaim, metadata.namespace ?? '', claimName)
  return reader.get(PersistentVolume, '', claim?.spec.volumeName ?? '')?.spec.csi?.driver
}

async function isAllowedAudience(
  { namespace, name, context: { user } }: NodeRequest,
  audience: string,
  authorizer: Authorizer,
): Promise<boolean> {
  const decision = await authorizer.authorize({
    user,
    verb: 'request-serviceaccounts-token-audience',
    namespace,
    apiGroup: '',
    apiVersion: 'v1',
    resource: audience,
    subresource: '',
    name,
    isResource: true,
    path: '',
  })
  return decision.allowed
}
