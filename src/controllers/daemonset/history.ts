import { ControllerRevision } from '../../kinds/apps/controller-revision.ts'
import { DaemonSet } from '../../kinds/apps/daemon-set.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { create, made, remove, type Steps, setStatus, update } from '../../reconciler/changes.ts'
import type { Context } from '../../reconciler/controller.ts'
import { matcherOf } from '../../reconciler/selector.ts'
import { isAlreadyExists } from '../../schema/status.ts'
import { claim } from '../shared/claim.ts'
import { canonical } from '../shared/equal.ts'
import { controllerReference } from '../shared/owner.ts'
import { templateHash } from '../shared/template-hash.ts'
import { hashLabel } from './pods.ts'

export interface History {
  readonly hash: string
  readonly old: readonly ControllerRevision[]
}

/** Finds or makes the ControllerRevision of the present template. */
export function* historyOf(set: DaemonSet, context: Context): Steps<History> {
  const matches = matcherOf(set.spec.selector)
  const kind = ControllerRevision
  const revisions = yield* claim({ ownerKind: DaemonSet, owner: set, kind, matches }, context)
  const data = dataOf(set)
  const text = canonical(data)
  const current = revisions.filter((revision) => canonical(revision.data) === text).sort(newestFirst)
  const old = revisions.filter((revision) => canonical(revision.data) !== text)
  const next = Math.max(0, ...old.map(({ revision }) => revision)) + 1
  const [present, ...duplicates] = current
  for (const duplicate of duplicates) yield remove(ControllerRevision, duplicate)
  const revision = present ? yield* raise(present, next) : yield* snapshot(set, data, next, context)
  return { hash: revision.metadata.labels?.[hashLabel] ?? '', old }
}

const newestFirst = (a: ControllerRevision, b: ControllerRevision) => b.revision - a.revision

/** The template as a patch that a rollback can apply. */
const dataOf = ({ spec }: DaemonSet) => ({ spec: { template: { $patch: 'replace', ...spec.template } } })

/** A template that is used again becomes the newest. */
function* raise(revision: ControllerRevision, next: number): Steps<ControllerRevision> {
  if (revision.revision >= next) return revision
  return yield* made<ControllerRevision>(update(ControllerRevision, { ...revision, revision: next }))
}

function* snapshot(
  set: DaemonSet,
  data: ReturnType<typeof dataOf>,
  revision: number,
  context: Context,
): Steps<ControllerRevision> {
  const { name = '', namespace, annotations } = set.metadata
  const hash = templateHash(set.spec.template, set.status.collisionCount)
  const metadata = {
    name: `${name}-${hash}`,
    namespace,
    labels: { ...set.spec.template.metadata.labels, [hashLabel]: hash },
    ...(annotations && { annotations }),
    ownerReferences: [controllerReference(DaemonSet, set)],
  }
  try {
    return yield* made<ControllerRevision>(create(ControllerRevision, { metadata, data, revision }))
  } catch (error) {
    const other = context.get(ControllerRevision, { namespace, name: metadata.name })
    if (isAlreadyExists(error) && other !== undefined && canonical(other.data) !== canonical(data)) {
      const collisionCount = (set.status.collisionCount ?? 0) + 1
      yield setStatus(DaemonSet, set, { ...set.status, collisionCount })
    }
    throw error
  }
}

/** Deletes the oldest revisions beyond the limit that no pod has any more. */
export function* cleanUpHistory(set: DaemonSet, { old, hash }: History, pods: Iterable<Pod>): Steps {
  let excess = old.length - (set.spec.revisionHistoryLimit ?? 10)
  if (excess <= 0) return
  const live = new Set([hash])
  for (const { metadata } of pods) live.add(metadata.labels?.[hashLabel] ?? '')
  for (const revision of old.toSorted((a, b) => a.revision - b.revision)) {
    if (excess <= 0) break
    if (live.has(revision.metadata.labels?.[hashLabel] ?? '')) continue
    yield remove(ControllerRevision, revision)
    excess--
  }
}
