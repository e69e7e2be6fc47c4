import type { Client, Ref } from '../client/client.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'
import { ApiError } from '../schema/status.ts'
import type { Mutable } from '../schema/types.ts'
import { seededRandom } from '../world/virtual.ts'
import { type CacheChange, controllerIndex } from './caches.ts'
import type { Attempt, Change, Step } from './changes.ts'
import type { Context, Controller } from './controller.ts'

/** For tests of reconcile functions: objects by kind, as the caches would show them. */
export type State = readonly (readonly [Kind, ...ApiObject[]])[]

export interface Trial {
  readonly changes: readonly Change[]
  /** What the function threw. */
  readonly error: unknown
}

export interface TrialOptions {
  readonly now?: number
  /** Decides the fate of a change: an error fails it, an object is what the server answers. */
  readonly answer?: (change: Change) => ApiError | ApiObject | undefined
}

/** Runs a reconcile function once, in memory, and tells what it wanted done. The server answers everything with yes. */
export function reconcileOnce(
  controller: Controller,
  object: ApiObject,
  state: State,
  options: TrialOptions = {},
): Trial {
  return drive(controller.reconcile(object, contextOf(object, state, options.now ?? 0)), options)
}

/** The same for an object that is gone. */
export function reconcileGone(controller: Controller, ref: Ref, state: State, options: TrialOptions = {}): Trial {
  const steps = controller.gone(ref, contextOf({ metadata: ref }, state, options.now ?? 0))
  return steps === undefined ? { changes: [], error: undefined } : drive(steps, options)
}

/** Whether a change of an object wakes it. */
export function wakes<T extends ApiObject>(
  controller: Controller,
  change: CacheChange<T>,
  state: State = [],
  now = 0,
): boolean {
  return controller.wakes(change, contextOf((change.object ?? change.old)!, state, now))
}

function drive(steps: ReturnType<Controller['reconcile']>, options: TrialOptions): Trial {
  if (!(Symbol.iterator in steps)) throw new Error('the async form cannot be tried without a client')
  const changes: Change[] = []
  const perform = (change: Change): ApiObject | ApiError => {
    changes.push(change)
    return options.answer?.(change) ?? answerOf(change, changes.length)
  }
  try {
    let next = steps.next()
    while (!next.done) {
      const step: Step = next.value
      if (step.type === 'batch') {
        next = steps.next(tryAll(step.changes, perform))
        continue
      }
      const answer = perform(step)
      next = answer instanceof ApiError ? steps.throw(answer) : steps.next(answer)
    }
    return { changes, error: undefined }
  } catch (error) {
    return { changes, error }
  }
}

function tryAll(changes: readonly Change[], perform: (change: Change) => ApiObject | ApiError): Attempt {
  const answers = changes.map((change) => ({ change, answer: perform(change) }))
  return {
    done: answers.flatMap(({ change, answer }) => (answer instanceof ApiError ? [] : [{ change, result: answer }])),
    failed: answers.flatMap(({ change, answer }) => (answer instanceof ApiError ? [{ change, error: answer }] : [])),
    skipped: 0,
  }
}

/** What a server might answer: created objects get a name and a uid. */
function answerOf(change: Change, n: number): ApiObject {
  if (change.type !== 'create' && change.type !== 'update') return { metadata: {} }
  const object = { status: {}, ...structuredClone(change.object) } as Mutable<ApiObject>
  object.metadata = {
    ...object.metadata,
    name: object.metadata.name ?? `${object.metadata.generateName}${n}`,
    uid: object.metadata.uid ?? `uid-${n}`,
  }
  return object
}

function contextOf(object: ApiObject, state: State, now: number): Context {
  const objects = <T extends ApiObject>(kind: Kind<T>) =>
    state.flatMap(([each, ...list]) => (each === (kind as Kind) ? list : [])) as T[]
  const by: Context['by'] = (index, value) => objects(index.kind).filter((each) => index.values(each).includes(value))
  return {
    now,
    random: seededRandom(1),
    get: (kind, ref) =>
      objects(kind).find(
        (each) => each.metadata.name === ref.name && (each.metadata.namespace ?? '') === (ref.namespace ?? ''),
      ),
    list: (kind, namespace) =>
      objects(kind).filter((each) => namespace === undefined || each.metadata.namespace === namespace),
    by,
    reads: () => true,
    owned: (kind) => by(controllerIndex(kind), object.metadata.uid ?? ''),
    get client(): Client {
      throw new Error('there is no client in a pure trial')
    },
    get clock(): never {
      throw new Error('there is no clock in a pure trial')
    },
  }
}
