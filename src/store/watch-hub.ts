/**
 * Brings changes to the watchers whose range they lie in.
 *
 * Watchers of the same range form a group. A change finds its groups without asking each: single keys by hash,
 * folders (`/registry/pods/`, the ranges that an API server watches) through a list per folder of the key that is
 * worked out once, and only ranges of other shapes one by one.
 */
import type { Version } from './history.ts'
import { endOf, inRange, isSingleKey } from './key-range.ts'
import { prefixEnd, type StoreEvent, type Watcher, type WatchQuery } from './store.ts'

interface Group {
  readonly from: string
  readonly end: string | undefined
  readonly members: Set<Member>
  /** What a dispatch has gathered for this group so far. */
  gathered: StoreEvent[] | undefined
}

interface Member {
  readonly watcher: Watcher
  /** Older changes are not for this watcher. */
  readonly fromRevision: number
}

/** Beyond this many, the lists per folder are forgotten and worked out anew. */
const foldersRemembered = 20_000

export class WatchHub {
  readonly #keys = new Map<string, Group>()
  readonly #folders = new Map<string, Group>()
  readonly #ranges = new Map<string, Group>()
  readonly #groupsOfFolder = new Map<string, readonly Group[]>()

  /** From now on `watcher` gets every change from `fromRevision` on, until the query's signal aborts. */
  add(query: WatchQuery, fromRevision: number, watcher: Watcher): void {
    const { home, name } = this.#homeOf(query)
    let group = home.get(name)
    if (group === undefined) {
      group = { from: query.from, end: endOf(query.from, query.to), members: new Set(), gathered: undefined }
      home.set(name, group)
      this.#groupsOfFolder.clear()
    }
    const member = { watcher, fromRevision }
    group.members.add(member)
    const joined = group
    const leave = () => this.#leave(home, name, joined, member)
    query.signal.addEventListener('abort', leave, { once: true })
  }

  /** Brings the changes of `versions` (consecutive, oldest first) to all whom they concern; one call for each watcher. */
  dispatch(versions: readonly Version[]): void {
    const newest = versions[versions.length - 1]!
    if (versions.length === 1 && newest.events.length === 1) {
      const event = newest.events[0]!
      this.#eachGroup(event.key, (group) => this.#deliver(group, newest.events, newest.revision))
      return
    }
    const touched: Group[] = []
    for (const version of versions) {
      for (const event of version.events) this.#eachGroup(event.key, (group) => gather(group, event, touched))
    }
    for (const group of touched) {
      const events = group.gathered!
      group.gathered = undefined
      this.#deliver(group, events, newest.revision)
    }
  }

  /** Tells every watcher, and forgets all. */
  end(error: Error): void {
    const groups = [...this.#keys.values(), ...this.#folders.values(), ...this.#ranges.values()]
    for (const home of [this.#keys, this.#folders, this.#ranges]) home.clear()
    this.#groupsOfFolder.clear()
    for (const group of groups) {
      const members = [...group.members]
      group.members.clear()
      for (const member of members) member.watcher.onError(error)
    }
  }

  #homeOf({ from, to }: WatchQuery): { home: Map<string, Group>; name: string } {
    if (isSingleKey(to)) return { home: this.#keys, name: from }
    if (from.endsWith('/') && to === prefixEnd(from)) return { home: this.#folders, name: from }
    return { home: this.#ranges, name: `${from.length}:${from}${to}` }
  }

  #leave(home: Map<string, Group>, name: string, group: Group, member: Member): void {
    group.members.delete(member)
    if (group.members.size > 0 || home.get(name) !== group) return
    home.delete(name)
    this.#groupsOfFolder.clear()
  }

  #eachGroup(key: string, visit: (group: Group) => void): void {
    if (this.#keys.size > 0) {
      const group = this.#keys.get(key)
      if (group !== undefined) visit(group)
    }
    if (this.#folders.size > 0) for (const group of this.#foldersAbove(key)) visit(group)
    if (this.#ranges.size > 0) {
      for (const group of this.#ranges.values()) if (inRange(key, group.from, group.end)) visit(group)
    }
  }

  #foldersAbove(key: string): readonly Group[] {
    const folder = key.slice(0, key.lastIndexOf('/') + 1)
    let groups = this.#groupsOfFolder.get(folder)
    if (groups === undefined) {
      groups = [...this.#folders.values()].filter((group) => folder.startsWith(group.from))
      if (this.#groupsOfFolder.size >= foldersRemembered) this.#groupsOfFolder.clear()
      this.#groupsOfFolder.set(folder, groups)
    }
    return groups
  }

  #deliver(group: Group, events: readonly StoreEvent[], revision: number): void {
    for (const member of group.members) {
      const { fromRevision, watcher } = member
      const wanted =
        events[0]!.revision >= fromRevision ? events : events.filter((event) => event.revision >= fromRevision)
      if (wanted.length === 0) continue
      try {
        watcher.onEvents(wanted, revision)
      } catch (error) {
        // One watcher's mistake must not keep the change from the others, nor from the writer.
        group.members.delete(member)
        watcher.onError(error instanceof Error ? error : new Error(String(error)))
      }
    }
  }
}

function gather(group: Group, event: StoreEvent, touched: Group[]): void {
  if (group.gathered === undefined) {
    group.gathered = []
    touched.push(group)
  }
  group.gathered.push(event)
}
