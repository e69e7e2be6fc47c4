/**
 * What a transaction does to a state, as a pure function: compare, choose a branch, run its operations one after the
 * other, each seeing what those before it did. The rules are etcd's (`applyTxn`, `checkIntervals`):
 *
 * - All comparisons, those of nested transactions too, look at the state before the transaction.
 * - A key may be changed once: two puts, or a put and a delete that covers it, are refused before anything is done.
 *   (The branches of one nested transaction may put the same key, since only one of them runs. And a nested one may
 *   delete what one before it put: etcd lets that pass.)
 * - A key that is absent compares as version, create, mod and lease 0; its value compares as unequal to everything.
 * - An operation that cannot be done (lease unknown, revision compacted) refuses the whole transaction.
 */
import type { Version } from './history.ts'
import { endOf, inRange, isSingleKey, requireKey } from './key-range.ts'
import {
  type Compare,
  InvalidRequestError,
  KeyNotFoundError,
  type KeyValue,
  LeaseNotFoundError,
  type Op,
  type OpResult,
  type RangeQuery,
  type RangeResult,
  type StoreEvent,
  type Txn,
  type TxnResult,
} from './store.ts'
import { noteSubRevision } from './sub-revision.ts'
import { type Tree, treeCount, treeGet, treePut, treeRange, treeRemove } from './tree.ts'

/** What a transaction may look at beside the newest version. */
export interface Surroundings {
  /** Throws `CompactedError` or `FutureRevisionError`. */
  versionAt(revision: number): Version
  hasLease(id: bigint): boolean
}

export interface Outcome {
  readonly result: TxnResult
  /** The version that the transaction makes; absent when it changes nothing. */
  readonly version: Version | undefined
}

/** Throws `InvalidRequestError`, `LeaseNotFoundError`, `CompactedError` or `FutureRevisionError`. */
export function evaluate(head: Version, txn: Txn, surroundings: Surroundings): Outcome {
  requireSound(txn)
  const plan = planOf(txn, head.root)
  requirePossible(plan, head, surroundings)
  const run = new Run(head, surroundings)
  const result = run.plan(plan)
  return { result: { ...result, revision: run.revision }, version: run.version() }
}

/** Reads a range of one tree. `revision` is what the result says it is. */
export function readRange(root: Tree<KeyValue>, query: RangeQuery, revision: number): RangeResult {
  const { from, to, limit = 0, countOnly = false } = query
  requireKey(from)
  if (isSingleKey(to)) {
    const kv = treeGet(root, from)
    return { kvs: kv === undefined || countOnly ? [] : [kv], count: kv === undefined ? 0 : 1, more: false, revision }
  }
  const end = endOf(from, to)
  if (countOnly) return { kvs: [], count: treeCount(root, from, end), more: false, revision }
  const kvs = treeRange(root, from, end, limit > 0 ? limit : undefined)
  const count = limit > 0 && kvs.length >= limit ? treeCount(root, from, end) : kvs.length
  return { kvs, count, more: count > kvs.length, revision }
}

/** The key-values that an operation deletes or compares. */
function found(root: Tree<KeyValue>, from: string, to: string | undefined): readonly KeyValue[] {
  if (!isSingleKey(to)) return treeRange(root, from, endOf(from, to))
  const kv = treeGet(root, from)
  return kv === undefined ? [] : [kv]
}

// Which branches run.

interface Plan {
  readonly succeeded: boolean
  readonly ops: readonly Op[]
  /** For each nested transaction among `ops`, in order. */
  readonly nested: readonly Plan[]
}

const noPlans: readonly Plan[] = []

function planOf(txn: Txn, root: Tree<KeyValue>): Plan {
  const succeeded = (txn.compare ?? []).every((compare) => holds(compare, root))
  const ops = (succeeded ? txn.then : txn.else) ?? []
  const nested = ops.some((op) => op.type === 'txn')
    ? ops.flatMap((op) => (op.type === 'txn' ? [planOf(op.txn, root)] : []))
    : noPlans
  return { succeeded, ops, nested }
}

function holds(compare: Compare, root: Tree<KeyValue>): boolean {
  const kvs = found(root, compare.key, compare.to)
  if (kvs.length === 0) return compare.target !== 'value' && relates(compare, orderOf(0, compare.value))
  return kvs.every((kv) => relates(compare, orderOf(compared(kv, compare.target), compare.value)))
}

function compared(kv: KeyValue, target: Compare['target']): Compare['value'] {
  switch (target) {
    case 'version':
      return kv.version
    case 'create':
      return kv.createRevision
    case 'mod':
      return kv.modRevision
    case 'lease':
      return kv.lease
    case 'value':
      return kv.value
    default:
      return target satisfies never
  }
}

/** Negative when `actual` is less than `wanted`. */
function orderOf(actual: Compare['value'], wanted: Compare['value']): number {
  if (typeof actual === 'object' || typeof wanted === 'object') {
    return typeof actual === 'object' && typeof wanted === 'object' ? Buffer.compare(actual, wanted) : 1
  }
  return actual < wanted ? -1 : actual > wanted ? 1 : 0
}

function relates({ result }: Compare, order: number): boolean {
  switch (result) {
    case '=':
      return order === 0
    case '!=':
      return order !== 0
    case '<':
      return order < 0
    case '>':
      return order > 0
    default:
      return result satisfies never
  }
}

// Running them.

class Run {
  readonly #head: Version
  readonly #surroundings: Surroundings
  readonly #events: StoreEvent[] = []
  #root: Tree<KeyValue>
  #bytes: number
  #superseded: number

  constructor(head: Version, surroundings: Surroundings) {
    this.#head = head
    this.#surroundings = surroundings
    this.#root = head.root
    this.#bytes = head.bytes
    this.#superseded = head.superseded
  }

  /** The revision as far as the transaction has come. */
  get revision(): number {
    return this.#events.length === 0 ? this.#head.revision : this.#head.revision + 1
  }

  version(): Version | undefined {
    if (this.#events.length === 0) return undefined
    return {
      revision: this.revision,
      root: this.#root,
      events: this.#events,
      bytes: this.#bytes,
      superseded: this.#superseded,
    }
  }

  plan(plan: Plan): Omit<TxnResult, 'revision'> {
    let nested = 0
    const results = plan.ops.map((op) => (op.type === 'txn' ? this.#nested(plan.nested[nested++]!) : this.#op(op)))
    return { succeeded: plan.succeeded, results }
  }

  #nested(plan: Plan): OpResult {
    const result = this.plan(plan)
    return { type: 'txn', result: { ...result, revision: this.revision } }
  }

  #op(op: Exclude<Op, { type: 'txn' }>): OpResult {
    switch (op.type) {
      case 'put':
        return this.#put(op)
      case 'delete':
        return this.#delete(op)
      case 'range':
        return { type: 'range', ...readRange(this.#rootAt(op.revision), op, this.revision) }
      default:
        return op satisfies never
    }
  }

  #rootAt(revision: number | undefined): Tree<KeyValue> {
    return revision ? this.#surroundings.versionAt(revision).root : this.#root
  }

  #put(op: Extract<Op, { type: 'put' }>): OpResult {
    const previous = treeGet(this.#root, op.key)
    const revision = this.#head.revision + 1
    const kv: KeyValue = {
      key: op.key,
      value: op.keepValue && previous ? previous.value : op.value,
      createRevision: previous?.createRevision ?? revision,
      modRevision: revision,
      version: (previous?.version ?? 0) + 1,
      lease: (op.keepLease ? previous?.lease : op.lease) ?? 0n,
      memo: op.memo,
    }
    noteSubRevision(kv, this.#events.length)
    this.#root = treePut(this.#root, kv)
    this.#bytes += sizeOf(kv) - sizeOf(previous)
    this.#superseded += sizeOf(previous)
    this.#events.push({ type: 'put', key: op.key, revision, kv, previous })
    return op.previous ? { type: 'put', kv, previous } : { type: 'put', kv }
  }

  #delete(op: Extract<Op, { type: 'delete' }>): OpResult {
    const gone = found(this.#root, op.from, op.to)
    const revision = this.#head.revision + 1
    for (const previous of gone) {
      this.#root = treeRemove(this.#root, previous.key)
      this.#bytes -= sizeOf(previous)
      this.#superseded += sizeOf(previous)
      this.#events.push({ type: 'delete', key: previous.key, revision, previous })
    }
    return { type: 'delete', deleted: gone.length, previous: op.previous ? gone : [] }
  }
}

export function sizeOf(kv: KeyValue | undefined): number {
  return kv === undefined ? 0 : kv.key.length + kv.value.length
}

// What is refused.

/** Puts are looked at before revisions, which decides what is said when both are wrong. */
function requirePossible(plan: Plan, head: Version, surroundings: Surroundings): void {
  requirePuts(plan, head, surroundings)
  requireRevisions(plan, surroundings)
}

function requirePuts(plan: Plan, { root }: Version, surroundings: Surroundings): void {
  eachOp(plan, (op) => {
    if (op.type !== 'put') return
    if ((op.keepValue || op.keepLease) && treeGet(root, op.key) === undefined) throw new KeyNotFoundError()
    if (op.lease && !op.keepLease && !surroundings.hasLease(op.lease)) throw new LeaseNotFoundError()
  })
}

function requireRevisions(plan: Plan, surroundings: Surroundings): void {
  eachOp(plan, (op) => {
    if (op.type === 'range' && op.revision) surroundings.versionAt(op.revision)
  })
}

/** Every operation that runs, those of nested transactions in their place. */
function eachOp({ ops, nested }: Plan, visit: (op: Op) => void): void {
  let next = 0
  for (const op of ops) {
    if (op.type === 'txn') eachOp(nested[next++]!, visit)
    else visit(op)
  }
}

function requireSound(txn: Txn): void {
  requireKeys(txn)
  for (const ops of [txn.then, txn.else])
    if (ops !== undefined && (ops.length > 1 || ops[0]?.type === 'txn')) changesOf(ops)
}

function requireKeys(txn: Txn): void {
  for (const compare of txn.compare ?? []) requireKey(compare.key)
  for (const ops of [txn.then, txn.else]) {
    for (const op of ops ?? []) {
      if (op.type === 'txn') requireKeys(op.txn)
      else requireKey(op.type === 'put' ? op.key : op.from)
    }
  }
}

interface Changes {
  readonly puts: ReadonlySet<string>
  readonly deletes: readonly { readonly from: string; readonly end: string | undefined }[]
}

/** The keys that `ops` may put and the ranges that they may delete. Throws when a key could be changed twice. */
function changesOf(ops: readonly Op[]): Changes {
  const puts = new Set<string>()
  const deletes = ops.flatMap((op) => (op.type === 'delete' ? [{ from: op.from, end: endOf(op.from, op.to) }] : []))
  const add = (key: string, mayBeThere = false) => {
    const again = puts.has(key) && !mayBeThere
    if (again || deletes.some(({ from, end }) => inRange(key, from, end))) {
      throw new InvalidRequestError(InvalidRequestError.duplicateKey)
    }
    puts.add(key)
  }
  for (const op of ops) {
    if (op.type !== 'txn') continue
    const success = changesOf(op.txn.then ?? [])
    const failure = changesOf(op.txn.else ?? [])
    for (const key of success.puts) add(key)
    for (const key of failure.puts) add(key, success.puts.has(key))
    deletes.push(...success.deletes, ...failure.deletes)
  }
  for (const op of ops) if (op.type === 'put') add(op.key)
  return { puts, deletes }
}
