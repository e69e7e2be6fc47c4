import { ControllerRevision } from '../../kinds/apps/controller-revision.ts'
import type { PodTemplateSpec } from '../../kinds/core/pod-spec.ts'
import type { LabelSelector } from '../../kinds/meta/label-selector.ts'
import { type Change, create, made, remove, type Steps, update } from '../../reconciler/changes.ts'
import type { Context } from '../../reconciler/controller.ts'
import { matcherOf } from '../../reconciler/selector.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import { isAlreadyExists } from '../../schema/status.ts'
import { claim } from './claim.ts'
import { canonical } from './equal.ts'
import { controllerReference } from './owner.ts'
import { templateHash } from './template-hash.ts'

/** What DaemonSets and StatefulSets have in common: they keep their former templates as ControllerRevisions. */
export interface Versioned<T extends ApiObject> {
  readonly kind: Kind<T>
  readonly object: T
  readonly selector: LabelSelector
  readonly template: PodTemplateSpec
  readonly collisionCount: number | undefined
  /** The label under which a revision carries its hash. */
  readonly hashLabel: string
  /** To be written when a hash is taken by another template. */
  collided(collisionCount: number): Change
}

export interface History {
  /** The revision of the present template. */
  readonly present: ControllerRevision
  readonly old: readonly ControllerRevision[]
}

/** Finds or makes the ControllerRevision of the present template. */
export function* historyOf<T extends ApiObject>(owner: Versioned<T>, context: Context): Steps<History> {
  const matches = matcherOf(owner.selector)
  const claimed = { ownerKind: owner.kind, owner: owner.object, kind: ControllerRevision, matches }
  const revisions = yield* claim(claimed, context)
  const data = { spec: { template: { $patch: 'replace', ...owner.template } } }
  const text = canonical(data)
  const isPresent = (revision: ControllerRevision) => canonical(revision.data) === text
  const [same, ...duplicates] = revisions.filter(isPresent).sort((a, b) => b.revision - a.revision)
  const old = revisions.filter((revision) => !isPresent(revision))
  for (const duplicate of duplicates) yield remove(ControllerRevision, duplicate)
  const next = Math.max(0, ...old.map(({ revision }) => revision)) + 1
  return { present: same ? yield* raise(same, next) : yield* snapshot(owner, data, next, context), old }
}

/** A template that is used again becomes the newest. */
function* raise(revision: ControllerRevision, next: number): Steps<ControllerRevision> {
  if (revision.revision >= next) return revision
  return yield* made<ControllerRevision>(update(ControllerRevision, { ...revision, revision: next }))
}

function* snapshot<T extends ApiObject>(
  owner: Versioned<T>,
  data: Readonly<Record<string, unknown>>,
  revision: number,
  context: Context,
): Steps<ControllerRevision> {
  const { kind, object, template, collisionCount, hashLabel } = owner
  const { name = '', namespace, annotations } = object.metadata
  const hash = templateHash(template, collisionCount)
  const metadata = {
    name: `${name}-${hash}`,
    namespace,
    labels: { ...template.metadata.labels, [hashLabel]: hash },
    ...(annotations && { annotations }),
    ownerReferences: [controllerReference(kind, object)],
  }
  try {
    return yield* made<ControllerRevision>(create(ControllerRevision, { metadata, data, revision }))
  } catch (error) {
    const other = context.get(ControllerRevision, { namespace, name: metadata.name })
    const isTaken = isAlreadyExists(error) && other !== undefined && canonical(other.data) !== canonical(data)
    if (isTaken) yield owner.collided((collisionCount ?? 0) + 1)
    throw error
  }
}

/** Deletes the oldest revisions beyond the limit that are not in use. */
export function* cleanUpHistory(
  { old }: History,
  limit: number | undefined,
  isInUse: (revision: ControllerRevision) => boolean,
): Steps {
  let excess = old.length - (limit ?? 10)
  if (excess <= 0) return
  for (const revision of old.toSorted((a, b) => a.revision - b.revision)) {
    if (excess <= 0) return
    if (isInUse(revision)) continue
    yield remove(ControllerRevision, revision)
    excess--
  }
}
