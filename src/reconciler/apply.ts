import type { Client } from '../client/client.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'
import { ApiError, conflict, isNotFound } from '../schema/status.ts'
import type { Attempt, Batch, Change, EventChange, Step, Steps, Write } from './changes.ts'

/** A batch never has more writes under way than this. */
const concurrentWritesAtMost = 500

export type Removal = Extract<Write, { type: 'remove' }>

/** Where the writes of a reconcile go. */
export interface Writer {
  readonly client: Client
  /** The kinds that may be written. */
  readonly allowed: ReadonlySet<Kind>
  readonly name: string
  event(change: EventChange): void
  again(afterMs: number): void
  wrote(kind: Kind, object: ApiObject): void
  removed(removal: Removal): void
}

/** Runs a reconcile function to its end, doing what it yields. Throws what it throws. */
export async function perform(steps: Steps, writer: Writer): Promise<void> {
  let next = steps.next()
  while (!next.done) next = await answer(steps, next.value, writer)
}

async function answer(steps: Steps, step: Step, writer: Writer): Promise<IteratorResult<Step, void>> {
  if (step.type === 'batch') return steps.next(await applyBatch(step, writer))
  if (step.type === 'event' || step.type === 'again') return steps.next(note(step, writer))
  let result: unknown
  try {
    result = await write(step, writer)
  } catch (error) {
    return steps.throw(error)
  }
  return steps.next(result)
}

async function applyBatch({ changes }: Batch, writer: Writer): Promise<Attempt> {
  const done: { change: Change; result: ApiObject }[] = []
  const failed: { change: Change; error: ApiError }[] = []
  let at = 0
  for (let size = 1; at < changes.length && failed.length === 0; size = Math.min(size * 2, concurrentWritesAtMost)) {
    const group = changes.slice(at, at + size)
    at += group.length
    const results = await Promise.allSettled(group.map((change) => apply(change, writer)))
    results.forEach((result, n) => {
      if (result.status === 'fulfilled') done.push({ change: group[n]!, result: result.value as ApiObject })
      else failed.push({ change: group[n]!, error: asApiError(result.reason) })
    })
  }
  return { done, failed, skipped: changes.length - at }
}

async function apply(change: Change, writer: Writer): Promise<unknown> {
  return change.type === 'event' || change.type === 'again' ? note(change, writer) : write(change, writer)
}

function note(change: Exclude<Change, Write>, writer: Writer): undefined {
  if (change.type === 'event') writer.event(change)
  else writer.again(change.afterMs)
}

async function write(change: Write, writer: Writer): Promise<unknown> {
  if (change.type === 'confirm') return confirm(change, writer.client)
  if (change.type === 'ask') return change.ask(writer.client)
  if (!writer.allowed.has(change.kind))
    throw new Error(`controller ${writer.name} writes ${change.kind.plural} without having declared it`)
  if (change.type === 'remove') return removeObject(change, writer)
  const object = await writeObject(change, writer.client)
  writer.wrote(change.kind, object)
  return object
}

function writeObject(
  change: Exclude<Write, { type: 'remove' | 'confirm' | 'ask' }>,
  client: Client,
): Promise<ApiObject> {
  const options = 'subresource' in change && change.subresource ? { subresource: change.subresource } : {}
  switch (change.type) {
    case 'create':
      return client.create(change.kind, change.object)
    case 'update':
      return client.update(change.kind, change.object, options)
    case 'patch':
      return client.patch(change.kind, change.ref, change.patch, options)
  }
}

async function confirm({ kind, object }: Extract<Write, { type: 'confirm' }>, client: Client): Promise<ApiObject> {
  const { uid, name = '', namespace } = object.metadata
  const present = await client.get(kind, { namespace, name })
  if (present.metadata.uid === uid && present.metadata.deletionTimestamp === undefined) return present
  throw conflict({ group: kind.group, resource: kind.plural }, name, 'it is gone or going')
}

/** An object that is gone already is what was wanted. */
async function removeObject(change: Removal, writer: Writer): Promise<boolean> {
  try {
    const gone = await writer.client.delete(change.kind, change.ref, change.options)
    writer.removed(change)
    return gone
  } catch (error) {
    if (isNotFound(error)) return true
    throw error
  }
}

function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError('', String(error), { cause: error })
}
