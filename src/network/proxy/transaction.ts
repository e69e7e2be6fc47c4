import type { Family } from './backends.ts'
import type { Rules } from './rules.ts'

/** A service's rules as they are, and as they are to be. */
export interface RulesChange {
  readonly owner: string
  readonly old: Rules | undefined
  readonly next: Rules | undefined
}

/** An element by its name in `Rules.elements`. */
interface ElementChange {
  readonly name: string
  readonly before: string | undefined
  readonly after: string | undefined
}

/**
 * Who has which element of the maps that all services share. What two want belongs to the one that came first, and to the
 * other when that lets go of it.
 */
export class Elements {
  readonly #claims = new Map<string, Map<string, string>>()

  /** Notes what an owner wants from now on, and tells which elements are others than they were. */
  change({ owner, old, next }: RulesChange): readonly ElementChange[] {
    const changes: ElementChange[] = []
    const names = new Set([...(old?.elements.keys() ?? []), ...(next?.elements.keys() ?? [])])
    for (const name of names) {
      const claims = this.#claims.get(name) ?? new Map<string, string>()
      const before = first(claims)
      const wanted = next?.elements.get(name)
      if (wanted === undefined) claims.delete(owner)
      else claims.set(owner, wanted)
      if (claims.size === 0) this.#claims.delete(name)
      else this.#claims.set(name, claims)
      const after = first(claims)
      if (before !== after) changes.push({ name, before, after })
    }
    return changes
  }
}

const first = (claims: ReadonlyMap<string, string>): string | undefined => claims.values().next().value

const none: Rules = { chains: new Map(), sets: new Map(), elements: new Map(), datagrams: new Map() }

/**
 * The commands of nft that make of the old rules the next ones, in one transaction: what does not change is not touched,
 * so that clients stay with the backends that they have. No commands: nothing is to be done.
 */
export function commandsFor(changes: readonly RulesChange[], elements: Elements, family: Family): readonly string[] {
  const at = `${family === 4 ? 'ip' : 'ip6'} kube-proxy`
  // Everything is made before it is named, and let go of before it is deleted.
  const made: string[] = []
  const loosed: string[] = []
  const written: string[] = []
  const deleted: string[] = []
  for (const { old = none, next = none } of changes) {
    for (const [name, declaration] of next.sets)
      if (!old.sets.has(name)) made.push(`add set ${at} ${name} { ${declaration} }`)
    for (const [name, rules] of next.chains) {
      const before = old.chains.get(name)
      if (before === undefined) made.push(`add chain ${at} ${name}`)
      else if (before.join('\n') === rules.join('\n')) continue
      else loosed.push(`flush chain ${at} ${name}`)
      written.push(...rules.map((rule) => `add rule ${at} ${name} ${rule}`))
    }
    for (const name of old.chains.keys())
      if (!next.chains.has(name)) {
        loosed.push(`flush chain ${at} ${name}`)
        deleted.push(`delete chain ${at} ${name}`)
      }
    for (const name of old.sets.keys()) if (!next.sets.has(name)) deleted.push(`delete set ${at} ${name}`)
  }
  const [less, more] = [new Map<string, string[]>(), new Map<string, string[]>()]
  for (const { name, before, after } of changes.flatMap((change) => elements.change(change))) {
    const [map = '', ...words] = name.split(' ')
    const key = words.join(' ')
    if (before !== undefined) put(less, map, key)
    if (after !== undefined) put(more, map, after === '' ? key : `${key} : ${after}`)
  }
  for (const [map, keys] of less) loosed.push(`delete element ${at} ${map} { ${keys.join(', ')} }`)
  for (const [map, members] of more) written.push(`add element ${at} ${map} { ${members.join(', ')} }`)
  return [...made, ...loosed, ...written, ...deleted]
}

function put(lists: Map<string, string[]>, name: string, text: string): void {
  const list = lists.get(name)
  if (list) list.push(text)
  else lists.set(name, [text])
}
