import type { Ref } from '../client/client.ts'
import { Pod } from '../kinds/core/pod.ts'
import { PodDisruptionBudget } from '../kinds/policy/pod-disruption-budget.ts'
import { event, eventOn, type Steps } from '../reconciler/changes.ts'
import { type Context, type Controller, defineController, nobody, watch } from '../reconciler/controller.ts'
import { matcherOf } from '../reconciler/selector.ts'
import type { ApiObject } from '../schema/kind.ts'
import { expect, isAskedFor, replicasOf, scaledKinds } from './disruption/expectation.ts'
import { fail, report } from './disruption/status.ts'
import { controllerOf, isBeingDeleted } from './shared/owner.ts'
import { areAsReady } from './shared/pods.ts'
import { selectorText } from './shared/selector-text.ts'

/** Counts for every budget how many of its pods may be evicted now. */
export const disruptionController: Controller = defineController<PodDisruptionBudget>({
  name: 'disruption-controller',
  eventSource: 'controllermanager',
  reconciles: PodDisruptionBudget,
  watches: [watch(Pod, budgetsOf), ...scaledKinds.map((kind) => watch(kind, budgetsOfScaled))],

  *reconcile(budget, context) {
    const matches = matcherOf(budget.spec.selector)
    const pods = context.list(Pod, budget.metadata.namespace).filter(({ metadata }) => matches(metadata.labels))
    yield* warnOfOthers(pods, budget.metadata.namespace, context)
    if (pods.length === 0) yield event('NoPods', 'No matching pods found')
    const expectation = yield* expect(budget, pods, context)
    if ('failure' in expectation) return yield* fail(budget, expectation, context)
    if (expectation.hasUnmanaged) yield event('UnmanagedPods', unmanagedMessage(budget), 'Warning')
    yield* report(budget, pods, expectation, context)
  },
})

const keyOf = ({ metadata }: ApiObject) => ({ namespace: metadata.namespace, name: metadata.name! })

function budgetsOf(
  { object, old }: { readonly object: Pod | undefined; readonly old: Pod | undefined },
  { list }: Pick<Context, 'list'>,
): readonly Ref[] {
  if (object && old && isAlike(object, old)) return nobody
  return list(PodDisruptionBudget, (object ?? old!).metadata.namespace).flatMap((budget) => {
    const matches = matcherOf(budget.spec.selector)
    const isConcerned = (object && matches(object.metadata.labels)) || (old && matches(old.metadata.labels))
    return isConcerned ? [keyOf(budget)] : []
  })
}

/** Whether the budgets have nothing to look at. Where the owner's wish is asked for, any change may come of another wish. */
const isAlike = (a: Pod, b: Pod) =>
  areAsReady(a, b) &&
  isBeingDeleted(a) === isBeingDeleted(b) &&
  a.metadata.labels === b.metadata.labels &&
  controllerOf(a)?.uid === controllerOf(b)?.uid &&
  !isAskedFor(a)

/** Another wish of an owner changes how many pods are expected. */
function* budgetsOfScaled(
  { object, old }: { readonly object: ApiObject | undefined; readonly old: ApiObject | undefined },
  { list }: Pick<Context, 'list'>,
) {
  if (old !== undefined && object !== undefined && replicasOf(object) === replicasOf(old)) return
  yield* list(PodDisruptionBudget, (object ?? old!).metadata.namespace).map(keyOf)
}

/** Versions of pods of which it was said that several budgets select them: the reference says it of each anew. */
const told = new WeakSet<Pod>()

/** A pod that several budgets select cannot be evicted. */
function* warnOfOthers(pods: readonly Pod[], namespace: string | undefined, { list }: Context): Steps {
  const budgets = list(PodDisruptionBudget, namespace)
  if (budgets.length < 2) return
  const selections = budgets.map(({ metadata, spec }) => ({ name: metadata.name, matches: matcherOf(spec.selector) }))
  for (const pod of pods) {
    if (told.has(pod)) continue
    const [first, second] = selections.filter(({ matches }) => matches(pod.metadata.labels))
    if (second === undefined) continue
    told.add(pod)
    const what = `Pod "${namespace}"/"${pod.metadata.name}" matches multiple PodDisruptionBudgets.`
    const message = `${what}  Chose "${first!.name}" arbitrarily.`
    yield eventOn(Pod, pod, 'MultiplePodDisruptionBudgets', message, 'Warning')
  }
}

function unmanagedMessage({ spec }: PodDisruptionBudget): string {
  return (
    `Pods selected by this PodDisruptionBudget (selector: ${selectorText(spec.selector)}) were found to be unmanaged. ` +
    'As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. ' +
    'To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.'
  )
}
