/** Holds every built-in kind against what a v1.36 API server says of it in discovery and in tables (`test/facts/`). */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { kinds } from '../src/kinds/index.ts'
import { apiVersionOf, type Kind } from '../src/schema/kind.ts'

interface SubresourceFact {
  readonly name: string
  readonly group?: string
  readonly version?: string
  readonly kind: string
  readonly verbs: readonly string[]
}

/** A line of the facts. What is usual is left out: the singular is the kind in small letters, all verbs are there. */
interface KindFact {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly singular?: string
  readonly namespaced: boolean
  readonly verbs?: readonly string[]
  readonly shortNames?: readonly string[]
  readonly categories?: readonly string[]
  readonly subresources?: readonly SubresourceFact[]
  readonly storageVersionHash?: string
  /** Name, type, format and priority, with bars between them. */
  readonly columns?: readonly string[]
}

const facts = JSON.parse(readFileSync(new URL('./facts/kinds.json', import.meta.url), 'utf8')) as KindFact[]
const allVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

/** Kinds whose objects do not lie under their plural in etcd. */
const storagePrefixes: Readonly<Record<string, string>> = {
  nodes: 'minions',
  services: 'services/specs',
  endpoints: 'services/endpoints',
  replicationcontrollers: 'controllers',
  ingresses: 'ingress',
  customresourcedefinitions: 'apiextensions.k8s.io/customresourcedefinitions',
  apiservices: 'apiregistration.k8s.io/apiservices',
}

const nameOf = (kind: { readonly group: string; readonly version: string; readonly kind: string }): string =>
  `${apiVersionOf(kind)} ${kind.kind}`

test('the list of kinds is the list of built-in resources', () => {
  assert.deepEqual(kinds.map(nameOf).sort(), facts.map(nameOf).sort())
})

for (const fact of facts) {
  test(`${nameOf(fact)} is what discovery and tables say`, () => {
    const kind = kinds.find((candidate) => nameOf(candidate) === nameOf(fact))
    assert.ok(kind, 'there is no such kind')
    assert.deepEqual(discoveryOf(kind), expectedDiscovery(fact))
    assert.equal(kind.storagePrefix, storagePrefixes[fact.plural] ?? fact.plural)
    if (fact.columns) assert.deepEqual(columnsOf(kind), fact.columns)
  })
}

test('every column says what it shows, in words of its own', () => {
  for (const kind of kinds) {
    for (const column of kind.columns) {
      assert.match(column.description, /^[A-Z].{5,}\.$/, `${nameOf(kind)} ${column.name}`)
    }
  }
})

function discoveryOf(kind: Kind) {
  const status = kind.status && { name: 'status', kind: kind.kind, verbs: ['get', 'patch', 'update'] }
  const scale = kind.scale && {
    name: 'scale',
    group: 'autoscaling',
    version: 'v1',
    kind: 'Scale',
    verbs: ['get', 'patch', 'update'],
  }
  return {
    plural: kind.plural,
    singular: kind.singular,
    namespaced: kind.namespaced,
    verbs: [...kind.verbs].sort(),
    shortNames: [...kind.shortNames],
    categories: [...kind.categories],
    subresources: sortedSubresources([...kind.subresources, ...(status ? [status] : []), ...(scale ? [scale] : [])]),
    storageVersionHash: kind.storageVersionHash,
  }
}

function expectedDiscovery(fact: KindFact) {
  return {
    plural: fact.plural,
    singular: fact.singular ?? fact.kind.toLowerCase(),
    namespaced: fact.namespaced,
    verbs: [...(fact.verbs ?? allVerbs)].sort(),
    shortNames: fact.shortNames ?? [],
    categories: fact.categories ?? [],
    subresources: sortedSubresources(fact.subresources ?? []),
    storageVersionHash: fact.storageVersionHash ?? '',
  }
}

function sortedSubresources(subresources: readonly SubresourceFact[]): SubresourceFact[] {
  return subresources
    .map(({ verbs, ...rest }) => ({ ...rest, verbs: [...verbs].sort() }))
    .sort((left, right) => (left.name < right.name ? -1 : 1))
}

function columnsOf(kind: Kind): string[] {
  return kind.columns.map(({ name, type, format = '', priority = 0 }) => `${name}|${type}|${format}|${priority}`)
}
