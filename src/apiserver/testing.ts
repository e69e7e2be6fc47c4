import { ConfigMap } from '../kinds/core/config-map.ts'
import { ObjectMeta } from '../kinds/meta/object-meta.ts'
import { typeMeta } from '../kinds/meta/type-meta.ts'
import { decode } from '../schema/decode.ts'
import { type ApiObject, defineKind, type Kind } from '../schema/kind.ts'
import { subdomainNameRule } from '../schema/names.ts'
import { embedded, type Infer, int32, list, object, optional, string } from '../schema/types.ts'
import { MemoryStore } from '../store/memory.ts'
import { VirtualWorld } from '../world/virtual.ts'
import type { AdmissionPlugin } from './admission.ts'
import { type RequestContext, systemMaster } from './context.ts'
import { Registry } from './registry.ts'

/** What tests of the registry work with: a server over a store in memory, in a world whose time stands still. */

const boatSchema = object('test.Boat', 'A kind with everything: spec, status, a grace period, a field to select by.', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: embedded(
    2,
    object('test.BoatSpec', '', { harbour: optional(1, string, ''), seats: optional(2, int32, '') }),
    '',
  ),
  status: embedded(3, object('test.BoatStatus', '', { afloat: optional(1, list(string), '') }), ''),
})
export interface Boat extends Infer<typeof boatSchema> {}

/** Boats in a harbour have 30 seconds to go; others go at once. */
export const Boat: Kind<Boat> = defineKind<Boat>({
  group: 'sea.example',
  version: 'v1',
  kind: 'Boat',
  plural: 'boats',
  namespaced: true,
  schema: boatSchema,
  nameRule: subdomainNameRule,
  selectableFields: { 'spec.harbour': ({ spec }) => spec.harbour ?? '' },
  indexedFields: ['spec.harbour'],
  defaults(boat) {
    boat.spec.seats ??= 1
  },
  prepareCreate(boat) {
    boat.metadata.generation = 1
    boat.status = {}
  },
  prepareUpdate(boat, old) {
    boat.status = structuredClone(old.status) as typeof boat.status
    if (JSON.stringify(boat.spec) !== JSON.stringify(old.spec))
      boat.metadata.generation = (old.metadata.generation ?? 0) + 1
  },
  validate({ spec }, errors) {
    if ((spec.seats ?? 0) < 0) errors.invalid('spec.seats', spec.seats, 'must not be negative')
  },
  status: {},
  unconditionalUpdate: false,
  createOnUpdate: true,
  gracePeriod: ({ spec }, asked) => (spec.harbour === undefined ? 0 : (asked ?? 30)),
})

export interface TestServer {
  readonly world: VirtualWorld
  readonly store: MemoryStore
  readonly registry: Registry
}

export function testServer(admission: readonly AdmissionPlugin[] = [], more: readonly Kind[] = []): TestServer {
  const world = new VirtualWorld()
  const store = new MemoryStore(world)
  return { world, store, registry: new Registry({ store, kinds: [ConfigMap, Boat, ...more], world, admission }) }
}

export const testContext: RequestContext = {
  user: systemMaster,
  dryRun: false,
  fieldManager: 'test',
  userAgent: 'test',
  fieldValidation: 'Ignore',
  warn: () => {},
  signal: new AbortController().signal,
}

/** A draft as a server gets it from a decoder. */
export const decoded = (kind: Kind, draft: object): ApiObject =>
  decode(kind.schema, draft).object as unknown as ApiObject
