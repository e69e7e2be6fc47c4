import type { ApiObject, Kind } from '../../schema/kind.ts'
import { ApiError } from '../../schema/status.ts'
import { CompactedError, type KeyValue, prefixEnd, type Store, type StoreEvent } from '../../store/store.ts'
import type { Clock } from '../../world/world.ts'
import { entryOf, forgetLine, forgetObject } from '../entry.ts'
import type { Entry, WatchObserver } from '../resource.ts'
import { fieldOf, type Selection } from './selection.ts'

/** One watch as the hub sees it. */
export interface Member {
  readonly kind: Kind
  /** Empty: all. */
  readonly namespace: string
  readonly selection: Selection
  readonly observer: WatchObserver
  readonly wantsBookmarks: boolean
  /** Events up to this revision are not for it (it has seen them). */
  after: number
  /** Called once with nothing when the store ends the watch with an error that the observer has been told. */
  readonly ended: () => void
}

const bookmarkIntervalMs = 60_000

/**
 * One watch of the store for all watches of a resource. It finds the watches that an event may concern through
 * indexes (namespace, and the first field that a watch wants to have exactly one value), so that a thousand node
 * agents that each watch their own pods cost no more than one of them; and it makes of an event once what all need.
 */
export class WatchHub {
  readonly #store: Store
  readonly #clock: Clock
  readonly #folder: string
  readonly #members = new Set<Member>()
  /** By namespace; the empty one has those that watch all. Only members without an exact field. */
  readonly #plain = new Map<string, Set<Member>>()
  readonly #fields = new Map<string, FieldIndex>()
  /** Watches of their own, which want to know when their kind goes. */
  readonly #others = new Map<Kind, Set<() => void>>()
  #stop: AbortController | undefined
  #cancelBookmarks: (() => void) | undefined

  constructor(store: Store, clock: Clock, folder: string) {
    this.#store = store
    this.#clock = clock
    this.#folder = folder
  }

  get members(): number {
    return this.#members.size
  }

  /** From now on the member gets what happens after `member.after`. */
  join(member: Member): void {
    this.#members.add(member)
    this.#home(member).add(member)
    if (this.#stop === undefined) this.#start()
    if (member.wantsBookmarks) this.#scheduleBookmarks()
  }

  leave(member: Member): void {
    if (!this.#members.delete(member)) return
    this.#home(member).delete(member)
    if (this.#members.size > 0) return
    this.#plain.clear()
    this.#fields.clear()
    this.#stop?.abort()
    this.#stop = undefined
    this.#cancelBookmarks?.()
    this.#cancelBookmarks = undefined
  }

  /** The kind is served no longer, or not as it was: whoever watches it has to ask again. */
  end(kind: Kind): void {
    for (const end of [...(this.#others.get(kind) ?? [])]) end()
    this.#others.delete(kind)
    for (const member of [...this.#members]) {
      if (member.kind !== kind) continue
      this.leave(member)
      member.ended()
    }
  }

  /** Calls `end` when the kind goes; the returned function calls it off. */
  onEnd(kind: Kind, end: () => void): () => void {
    setAt(this.#others, kind).add(end)
    return () => void this.#others.get(kind)?.delete(end)
  }

  /** Brings one change to one member: also for those that catch up on their own. */
  static deliver(member: Member, change: Change): void {
    if (change.event.revision <= member.after) return
    const { kind, selection, observer } = member
    const now = change.now(kind)
    const old = change.old(kind)
    const isIn = now !== undefined && (selection.everything || selection.matches(now.object))
    const wasIn = old !== undefined && (selection.everything || selection.matches(old.object))
    if (isIn) observer.event(wasIn ? 'MODIFIED' : 'ADDED', now)
    else if (wasIn) observer.event('DELETED', change.deleted(kind)!)
  }

  #home(member: Member): Set<Member> {
    const exact = member.selection.exactField
    if (exact === undefined) return setAt(this.#plain, member.namespace)
    const id = `${member.kind.group}/${member.kind.version}/${exact.name}`
    let index = this.#fields.get(id)
    if (index === undefined) {
      index = { kind: member.kind, read: fieldOf(member.kind, exact.name), members: new Map() }
      this.#fields.set(id, index)
    }
    return setAt(index.members, exact.value)
  }

  #start(): void {
    const stop = new AbortController()
    this.#stop = stop
    this.#store.watch(
      { from: this.#folder, to: prefixEnd(this.#folder), signal: stop.signal },
      {
        onEvents: (events) => {
          for (const event of events) {
            this.#dispatch(event)
            if (event.kv !== undefined) forgetLine(event.kv)
            if (event.previous !== undefined) forgetObject(event.previous)
          }
        },
        onError: (error) => this.#fail(error),
      },
    )
  }

  #dispatch(event: StoreEvent): void {
    const change = new Change(event)
    if (this.#plain.size > 0) {
      deliverAll(this.#plain.get(''), change)
      const namespace = namespaceOf(event.key, this.#folder)
      if (namespace !== '') deliverAll(this.#plain.get(namespace), change)
    }
    for (const { kind, read, members } of this.#fields.values()) {
      const now = change.now(kind)
      const old = change.old(kind)
      const value = now && read(now.object)
      const before = old && read(old.object)
      if (value !== undefined) deliverNamespace(members.get(value), change, this.#folder)
      if (before !== undefined && before !== value) deliverNamespace(members.get(before), change, this.#folder)
    }
  }

  #fail(error: Error): void {
    const told = error instanceof CompactedError ? tooOld(0, error.compactRevision) : error
    const members = [...this.#members]
    for (const member of members) this.leave(member)
    for (const member of members) {
      member.observer.error(told)
      member.ended()
    }
  }

  /** One timer for all, and only while somebody wants bookmarks. */
  #scheduleBookmarks(): void {
    this.#cancelBookmarks ??= this.#clock.timer(bookmarkIntervalMs, () => {
      this.#cancelBookmarks = undefined
      // Outside of a dispatch everything up to the store's revision has been handed out.
      const revision = String(this.#store.revision)
      let isWanted = false
      for (const member of [...this.#members]) {
        if (!member.wantsBookmarks) continue
        isWanted = true
        if (member.after <= this.#store.revision) member.observer.bookmark(revision, false)
      }
      if (isWanted && this.#members.size > 0) this.#scheduleBookmarks()
    })
  }
}

interface FieldIndex {
  readonly kind: Kind
  readonly read: (object: ApiObject) => string
  readonly members: Map<string, Set<Member>>
}

/** An event of the store with the entries that are made of it, each once. */
export class Change {
  readonly event: StoreEvent
  #deletedKind: Kind | undefined
  #deleted: Entry | undefined

  constructor(event: StoreEvent) {
    this.event = event
  }

  now(kind: Kind): Entry | undefined {
    return entryOfMaybe(kind, this.event.kv)
  }

  old(kind: Kind): Entry | undefined {
    return entryOfMaybe(kind, this.event.previous)
  }

  /** What was there before, as of the revision at which it went (or left somebody's selection). */
  deleted(kind: Kind): Entry | undefined {
    if (this.#deletedKind !== kind) {
      const { previous, revision } = this.event
      this.#deletedKind = kind
      this.#deleted = previous && entryOf(kind, previous).at(revision)
    }
    return this.#deleted
  }
}

const entryOfMaybe = (kind: Kind, kv: KeyValue | undefined) => kv && entryOf(kind, kv)

/** 410: what happened since that revision is no longer known. */
export function tooOld(revision: number, oldest: number): ApiError {
  return new ApiError('Expired', `too old resource version: ${revision} (${oldest})`)
}

/** Members that leave while they are told do not disturb the others. */
function deliverAll(members: ReadonlySet<Member> | undefined, change: Change): void {
  if (members !== undefined) for (const member of members) WatchHub.deliver(member, change)
}

function deliverNamespace(members: ReadonlySet<Member> | undefined, change: Change, folder: string): void {
  if (members === undefined || members.size === 0) return
  const namespace = namespaceOf(change.event.key, folder)
  for (const member of members) {
    if (member.namespace === '' || member.namespace === namespace) WatchHub.deliver(member, change)
  }
}

/** Empty for what is cluster-scoped. */
export function namespaceOf(key: string, folder: string): string {
  const slash = key.indexOf('/', folder.length)
  return slash < 0 ? '' : key.slice(folder.length, slash)
}

function setAt<K, V>(map: Map<K, Set<V>>, key: K): Set<V> {
  let set = map.get(key)
  if (set === undefined) {
    set = new Set()
    map.set(key, set)
  }
  return set
}
