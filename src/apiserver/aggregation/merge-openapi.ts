export type Json = Readonly<Record<string, unknown>>

/** What a remote server says of one version of a group in its OpenAPI document of version 2. */
export interface RemoteSpec {
  readonly group: string
  readonly version: string
  readonly document: unknown
}

const prefix = '#/definitions/'

/**
 * Our OpenAPI document of version 2 with the paths of remote servers, each of its own version of a group alone, and the
 * definitions that those lead to. A definition that has the name of another one and is not the same gets a name of its
 * own, as the reference does (`…_v2`).
 */
export function mergeSpecs(own: Json, remotes: readonly RemoteSpec[]): Json {
  const paths: Record<string, unknown> = { ...(own['paths'] as Json) }
  const definitions: Record<string, unknown> = { ...(own['definitions'] as Json) }
  for (const { group, version, document } of remotes) {
    const spec = objectOf(document)
    const theirs = Object.entries(objectOf(spec['paths'])).filter(([path]) =>
      `${path}/`.startsWith(`/apis/${group}/${version}/`),
    )
    const known = objectOf(spec['definitions'])
    const names = namesFor(reached(theirs, known), known, definitions)
    for (const [name, as] of names) definitions[as] = renamed(known[name], names)
    for (const [path, item] of theirs) paths[path] = renamed(item, names)
  }
  return { ...own, paths: sorted(paths), definitions: sorted(definitions) }
}

const objectOf = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {})

const sorted = (entries: Json): Json =>
  Object.fromEntries(Object.entries(entries).sort(([left], [right]) => (left < right ? -1 : 1)))

/** The names of all definitions that something leads to. */
function reached(from: unknown, definitions: Json): ReadonlySet<string> {
  const found = new Set<string>()
  const left: unknown[] = [from]
  for (let value = left.pop(); value !== undefined || left.length > 0; value = left.pop()) {
    if (typeof value !== 'object' || value === null) continue
    for (const [key, member] of Object.entries(value)) {
      const name = key === '$ref' ? nameIn(member) : undefined
      if (name === undefined) left.push(member)
      else if (Object.hasOwn(definitions, name) && !found.has(name)) {
        found.add(name)
        left.push(definitions[name])
      }
    }
  }
  return found
}

const nameIn = (reference: unknown): string | undefined =>
  typeof reference === 'string' && reference.startsWith(prefix) ? reference.slice(prefix.length) : undefined

/** What each definition is to be called. */
function namesFor(names: ReadonlySet<string>, theirs: Json, taken: Json): ReadonlyMap<string, string> {
  const chosen = new Map<string, string>()
  for (const name of names) {
    let as = name
    for (let count = 2; as in taken && JSON.stringify(taken[as]) !== JSON.stringify(theirs[name]); count++) {
      as = `${name}_v${count}`
    }
    chosen.set(name, as)
  }
  return chosen
}

function renamed(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, names))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      const name = key === '$ref' ? nameIn(member) : undefined
      return [key, name === undefined ? renamed(member, names) : `${prefix}${names.get(name) ?? name}`]
    }),
  )
}
