import { decode } from '../../schema/decode.ts'
import { type ApiObject, apiVersionOf, type Conversion, type Kind } from '../../schema/kind.ts'
import type { ObjectType } from '../../schema/types.ts'
import type { KeyValue } from '../../store/store.ts'
import { entryToShow, entryToStore, isConverted, type StoredEntry, setConverted } from '../entry.ts'

/**
 * Kinds whose versions only somebody else can convert (`Kind.conversion`). Everything else of the storage works with
 * entries that are at hand, so whoever reads values of such a kind has them converted first, many at once; what was
 * converted is kept beside the value.
 */

/** How many objects are converted in one go. */
const batchSize = 1000

/** Has the values converted that are of another version. Undefined: there was nothing to wait for. */
export function readied(kind: Kind, kvs: readonly KeyValue[]): Promise<void> | undefined {
  if (kind.conversion === undefined) return undefined
  const others = kvs.filter((kv) => !isConverted(kind, kv))
  return others.length === 0 ? undefined : readyAll(kind, kind.conversion, others)
}

async function readyAll(kind: Kind, conversion: Conversion, kvs: readonly KeyValue[]): Promise<void> {
  for (let from = 0; from < kvs.length; from += batchSize) {
    const batch = kvs.slice(from, from + batchSize)
    const objects = await conversion.convert(batch.map(storedObject), apiVersionOf(kind))
    for (const [index, object] of objects.entries()) setConverted(kind, batch[index]!, object)
  }
}

/** The object as it is stored, whatever version it is of. */
export function storedObject({ value }: KeyValue): ApiObject {
  return JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString()) as ApiObject
}

interface ToStore<T extends ApiObject> {
  readonly value: Buffer
  readonly entry: StoredEntry<T>
}

/** What to store of a new object, and the entry to hang on it; see `entryToStore`. */
export function toStore<T extends ApiObject>(
  kind: Kind<T>,
  object: T,
  before?: StoredEntry<T>,
): ToStore<T> | Promise<ToStore<T>> {
  const { conversion } = kind
  if (conversion === undefined || conversion.storage.apiVersion === apiVersionOf(kind))
    return entryToStore(kind, object, before)
  return convertToStore(kind, conversion, object)
}

/** Shown is what comes back, as the reference has it. */
async function convertToStore<T extends ApiObject>(
  kind: Kind<T>,
  conversion: Conversion,
  object: T,
): Promise<ToStore<T>> {
  const { apiVersion, schema } = conversion.storage
  const [stored] = await conversion.convert([object], apiVersion)
  const value = Buffer.from(JSON.stringify(decode(schema, stored).object))
  const [shown] = await conversion.convert([JSON.parse(value.toString())], apiVersionOf(kind))
  return { value, entry: entryToShow(kind, shown!) }
}

/** What is missing to go on: an object in another version. */
class Missing extends Error {
  readonly object: ApiObject
  readonly apiVersion: string

  constructor(object: ApiObject, apiVersion: string) {
    super('a version of an object is not known yet')
    this.object = object
    this.apiVersion = apiVersion
  }
}

/** What the one who is at work knows; there is only one at a time. */
let known: Map<string, ApiObject> | undefined

/**
 * Runs what needs objects in other versions, and finds that out on its way through `versionNow`: as often as something
 * is missing, it is converted, and `run` begins anew. `run` must change nothing before it is through.
 */
export function withVersions<T>(kind: Kind, run: () => T): T | Promise<T> {
  return kind.conversion === undefined ? run() : runWith(kind.conversion, run)
}

async function runWith<T>(conversion: Conversion, run: () => T): Promise<T> {
  const found = new Map<string, ApiObject>()
  for (;;) {
    known = found
    try {
      return run()
    } catch (error) {
      if (!(error instanceof Missing)) throw error
      const { object, apiVersion } = error
      const [converted] = await conversion.convert([object], apiVersion)
      found.set(idOf(object, apiVersion), converted!)
    } finally {
      known = undefined
    }
  }
}

/** Within `withVersions`: the object in another version, decoded as that has it. */
export function versionNow(object: ApiObject, apiVersion: string, schema: ObjectType): ApiObject {
  const converted = known?.get(idOf(object, apiVersion))
  if (converted === undefined) throw new Missing(object, apiVersion)
  return decode(schema, converted).object as unknown as ApiObject
}

const idOf = (object: ApiObject, apiVersion: string) => `${apiVersion} ${JSON.stringify(object)}`
