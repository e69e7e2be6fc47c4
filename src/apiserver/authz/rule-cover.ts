import type { PolicyRule } from '../../kinds/rbac/shared.ts'

/**
 * What of `wanted` is not covered by `held`, in as few rules as can be. Every right is looked at for itself, so that it
 * does not matter how either list is cut into rules.
 */
export function missingRules(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): readonly PolicyRule[] {
  const missing = wanted.flatMap(single).filter((right) => !held.some((rule) => covers(rule, right)))
  return joined(missing)
}

/** One rule as errors show it. */
export function showRule({ apiGroups, resources, nonResourceURLs, resourceNames, verbs }: PolicyRule): string {
  const parts = [
    ['APIGroups', apiGroups],
    ['Resources', resources],
    ['NonResourceURLs', nonResourceURLs],
    ['ResourceNames', resourceNames],
    ['Verbs', verbs],
  ] as const
  const shown = parts.flatMap(([name, words]) =>
    words?.length ? [`${name}:[${words.map((word) => JSON.stringify(word)).join(' ')}]`] : [],
  )
  return `{${shown.join(', ')}}`
}

/** One verb on one thing. */
interface Right {
  readonly verb: string
  readonly group?: string
  readonly resource?: string
  readonly name?: string
  readonly url?: string
}

function single({ verbs, apiGroups = [], resources = [], resourceNames, nonResourceURLs = [] }: PolicyRule): Right[] {
  const names = resourceNames?.length ? resourceNames : [undefined]
  const onResources = apiGroups.flatMap((group) =>
    resources.flatMap((resource) =>
      verbs.flatMap((verb) => names.map((name) => ({ verb, group, resource, ...(name !== undefined && { name }) }))),
    ),
  )
  return [...onResources, ...nonResourceURLs.flatMap((url) => verbs.map((verb) => ({ verb, url })))]
}

function covers(rule: PolicyRule, { verb, group, resource, name, url }: Right): boolean {
  const has = (words: readonly string[] | undefined, word: string) => words?.includes('*') || words?.includes(word)
  if (!has(rule.verbs, verb)) return false
  if (url !== undefined) return rule.nonResourceURLs?.some((pattern) => coversUrl(pattern, url)) ?? false
  if (!has(rule.apiGroups, group!) || !coversResource(rule.resources ?? [], resource!)) return false
  if (!rule.resourceNames?.length) return true
  return name !== undefined && rule.resourceNames.includes(name)
}

const coversUrl = (pattern: string, url: string) =>
  pattern === '*' || pattern === url || (pattern.endsWith('*') && url.startsWith(pattern.slice(0, -1)))

function coversResource(held: readonly string[], resource: string): boolean {
  if (held.includes('*') || held.includes(resource)) return true
  const slash = resource.indexOf('/')
  return slash >= 0 && held.includes(`*${resource.slice(slash)}`)
}

/** Rights on the same thing become one rule with several verbs. */
function joined(rights: readonly Right[]): readonly PolicyRule[] {
  const verbsOf = new Map<string, { readonly right: Right; readonly verbs: string[] }>()
  for (const right of rights) {
    const key = JSON.stringify([right.group, right.resource, right.name, right.url])
    const known = verbsOf.get(key)
    if (known === undefined) verbsOf.set(key, { right, verbs: [right.verb] })
    else if (!known.verbs.includes(right.verb)) known.verbs.push(right.verb)
  }
  return [...verbsOf.values()].map(({ right: { group, resource, name, url }, verbs }) =>
    url === undefined
      ? { verbs, apiGroups: [group!], resources: [resource!], ...(name !== undefined && { resourceNames: [name] }) }
      : { verbs, nonResourceURLs: [url] },
  )
}
