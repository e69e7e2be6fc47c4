/** Objects of every kind: those that the reference took when its answers were recorded. */
import type { Kind } from '../../src/schema/kind.ts'
import { recordings } from './recorded.ts'

type Json = Record<string, unknown>

/** Where those go that live in a namespace. */
export const sampleNamespace = 'sea'

/** Bodies that can be sent as they are to `collectionOf(kind)`, the fullest first. */
export function samplesOf(kind: Kind): readonly Json[] {
  const bodies = all.get(`${rootOf(kind)}/${kind.plural}`) ?? []
  return isReview(kind) ? bodies : bodies.map(named)
}

const areas = ['defaults', 'validation', 'write', 'subresources', 'read', 'auth', 'admission', 'discovery', 'crd']
const all: ReadonlyMap<string, readonly Json[]> = recorded()

function recorded(): Map<string, Json[]> {
  const found = new Map<string, Json[]>()
  for (const { steps } of recordings(areas)) {
    for (const { method, path = '', body, expect } of steps) {
      const collection = path.split('?')[0]!.replace(/\/namespaces\/[^/]+\/(?=[^/]+$)/, '/')
      if (method !== 'POST' || expect?.status !== 201 || path.includes('dryRun') || typeof body !== 'object') continue
      const text = JSON.stringify(body).replace(/\$\{(ns|id)\}/g, sampleNamespace)
      if (!/[$@]\{/.test(text)) found.set(collection, [...(found.get(collection) ?? []), JSON.parse(text)])
    }
  }
  const size = (body: Json) => JSON.stringify(body).length
  for (const bodies of found.values()) bodies.sort((one, other) => size(other) - size(one))
  return found
}

function named(body: Json): Json {
  const { generateName: _, namespace: __, ...metadata } = (body['metadata'] ?? {}) as Json
  return { ...body, metadata: { name: 'first', ...metadata } }
}

/** Questions of which nothing is kept. */
export const isReview = ({ kind }: Kind): boolean => kind.endsWith('Review')

const rootOf = ({ group, version }: Kind) => (group === '' ? '/api/v1' : `/apis/${group}/${version}`)

export const collectionOf = (kind: Kind): string =>
  `${rootOf(kind)}${kind.namespaced ? `/namespaces/${sampleNamespace}` : ''}/${kind.plural}`
