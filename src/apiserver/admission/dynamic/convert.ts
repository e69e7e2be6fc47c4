import { decode } from '../../../schema/decode.ts'
import { type ApiObject, apiVersionOf, type Kind } from '../../../schema/kind.ts'

/**
 * An object of one version of a resource as another version shows it: an object that nobody else holds. A promise where
 * somebody must be asked; it rejects with an `ApiError` when he cannot be.
 */
export function convertVersion(from: Kind, to: Kind, object: ApiObject): ApiObject | Promise<ApiObject> {
  const own = decode(from.schema, object).object as unknown as ApiObject
  if (from === to) return own
  if (from.conversion !== undefined) {
    return from.conversion.convert([own], apiVersionOf(to)).then(([converted]) => decodedAs(to, converted!))
  }
  const stored = from.storedAs === undefined ? own : from.storedAs.toStored(own)
  return decodedAs(to, to.storedAs === undefined ? stored : to.storedAs.fromStored(stored))
}

function decodedAs(kind: Kind, object: ApiObject): ApiObject {
  const named = { ...object, kind: kind.kind, apiVersion: apiVersionOf(kind) }
  return decode(kind.schema, named).object as unknown as ApiObject
}
