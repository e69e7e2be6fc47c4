import { createHash } from 'node:crypto'
import { Pod } from '../../kinds/core/pod.ts'
import { decode } from '../../schema/decode.ts'
import { FieldErrors } from '../../schema/field-errors.ts'
import { deepFreeze } from '../../schema/freeze.ts'
import type { ApiObject } from '../../schema/kind.ts'
import type { Mutable } from '../../schema/types.ts'
import { parseYamlBody } from '../../schema/yaml.ts'

/** A file that describes no pod that could run. */
export class ManifestError extends Error {}

/** What marks static pods and their mirrors. */
export const marks = {
  source: 'kubernetes.io/config.source',
  hash: 'kubernetes.io/config.hash',
  seen: 'kubernetes.io/config.seen',
  mirror: 'kubernetes.io/config.mirror',
} as const

/**
 * The pod that a file of the static pods' folder describes, on this node: named after it, and identified by a digest of
 * what the file says, so that another content is another pod. Throws `ManifestError`.
 */
export function podOfManifest(
  text: string,
  { path, nodeName, seen }: { readonly path: string; readonly nodeName: string; readonly seen: string },
): Pod {
  const body = parseYamlBody(text)
  if (typeof body === 'string') throw new ManifestError(body)
  const { kind, apiVersion } = (body.value ?? {}) as { readonly kind?: unknown; readonly apiVersion?: unknown }
  if (kind !== 'Pod' || apiVersion !== 'v1')
    throw new ManifestError(`it holds no v1 Pod, but ${String(apiVersion)} ${String(kind)}`)
  const pod = decoded(body.value)
  const { metadata, spec } = pod
  if (!metadata.name) throw new ManifestError('the pod has no name')
  metadata.name = `${metadata.name}-${nodeName.toLowerCase()}`
  metadata.namespace ||= 'default'
  spec.nodeName = nodeName
  Pod.defaults(pod)
  const errors = new FieldErrors()
  Pod.validate(pod as unknown as Pod, errors)
  if (errors.length > 0)
    throw new ManifestError(errors.causes.map(({ field, message }) => `${field}: ${message}`).join('; '))
  // It stays whatever becomes of its node.
  spec.tolerations = [...(spec.tolerations ?? []), { operator: 'Exists', effect: 'NoExecute' }]
  const hash = createHash('md5')
    .update(`${nodeName}\0${path}\0${JSON.stringify(pod)}`)
    .digest('hex')
  metadata.uid = hash
  metadata.annotations = { ...metadata.annotations, [marks.hash]: hash, [marks.seen]: seen, [marks.source]: 'file' }
  return deepFreeze(pod as unknown as Pod)
}

function decoded(value: unknown): Mutable<Pod> {
  try {
    return decode(Pod.schema, value).object as unknown as Mutable<Pod>
  } catch (error) {
    throw new ManifestError((error as Error).message, { cause: error })
  }
}

/** As it is shown in the API; `nodeUid` is its owner's. */
export function mirrorOf(pod: Pod, nodeUid: string): Pod {
  const { uid: _, ...metadata } = pod.metadata
  const { status: __, ...rest } = pod
  return {
    ...rest,
    metadata: {
      ...metadata,
      annotations: { ...metadata.annotations, [marks.mirror]: pod.metadata.uid! },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: pod.spec.nodeName!, uid: nodeUid, controller: true }],
    },
  } as unknown as Pod
}

/** Whether a pod is one of a manifest: of others nobody knows the UID before the API gives it. */
export const isStatic = ({ metadata }: Pod): boolean => metadata.annotations?.[marks.hash] === metadata.uid

/** The digest that a mirror stands for; nothing for any other pod. */
export const mirroredHash = ({ metadata }: ApiObject): string | undefined => metadata.annotations?.[marks.mirror]

export const fullName = ({ metadata }: ApiObject): string => `${metadata.namespace}/${metadata.name}`
