import { createHash } from 'node:crypto'
import { TokenRequest } from '../../kinds/authentication/token-request.ts'
import { Scale } from '../../kinds/autoscaling/scale.ts'
import { DeleteOptions } from '../../kinds/meta/delete-options.ts'
import { ListMeta } from '../../kinds/meta/list-meta.ts'
import { Status } from '../../kinds/meta/status.ts'
import { Eviction } from '../../kinds/policy/eviction.ts'
import type { Kind } from '../../schema/kind.ts'
import { type OpenApiDocument, type OpenApiInfo, openApiV2, openApiV3 } from '../../schema/openapi-paths.ts'
import type { Catalogue } from '../catalogue.ts'
import type { Exchange } from '../exchange.ts'
import { parseAccept } from '../negotiate.ts'
import type { ApiResponse } from '../request.ts'
import { answerText, headersOf } from '../respond.ts'
import type { OpenApi } from './system.ts'

const subresourceTypes: OpenApiInfo['subresourceTypes'] = [
  { group: 'autoscaling', version: 'v1', kind: 'Scale', schema: Scale },
  { group: 'policy', version: 'v1', kind: 'Eviction', schema: Eviction },
  { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest', schema: TokenRequest },
]

interface Documents {
  readonly v2: OpenApiDocument
  readonly v3: ReadonlyMap<string, OpenApiDocument>
  readonly index: string
  readonly hashes: ReadonlyMap<string, string>
}

/** What other servers add to the documents. */
export interface RemoteDocuments {
  /** Raised whenever they have others. */
  readonly generation: number
  /** The document of version 2 with theirs merged into it. */
  withSpecs(own: OpenApiDocument): OpenApiDocument
  /** Documents of version 3 that are made here of what they say in version 2, by name. */
  documentsV3(): readonly (readonly [name: string, document: OpenApiDocument])[]
  /** Names of their documents of version 3, with where to ask for them. */
  indexV3(): readonly (readonly [name: string, url: string])[]
  /** Passes on a request for one; undefined: it is no name of theirs. */
  answerV3(name: string, exchange: Exchange): Promise<ApiResponse> | undefined
}

/** The documents below `/openapi`, made anew when other kinds are served. */
export function openApiDocuments(catalogue: Catalogue, version: string, remote?: RemoteDocuments): OpenApi {
  let of: readonly Kind[] | undefined
  let remoteGeneration: number | undefined
  let generation = 0
  let documents: Documents | undefined
  const current = (): Documents => {
    if (documents !== undefined && of === catalogue.kinds && remoteGeneration === remote?.generation) return documents
    of = catalogue.kinds
    remoteGeneration = remote?.generation
    documents = makeDocuments(catalogue, version, generation++, remote)
    return documents
  }
  return (path, exchange) => {
    const parts = path.split('/').slice(2)
    if (parts[0] === 'v2' && parts.length === 1) return answerV2(exchange, current())
    if (parts[0] !== 'v3') return undefined
    if (parts.length === 1) return answerText(200, current().index)
    const name = parts.slice(1).join('/')
    return remote?.answerV3(name, exchange) ?? answerV3(exchange, current(), name)
  }
}

function makeDocuments(
  catalogue: Catalogue,
  version: string,
  generation: number,
  remote: RemoteDocuments | undefined,
): Documents {
  const info = { version, deleteOptions: DeleteOptions, status: Status, listMeta: ListMeta, subresourceTypes }
  const { kinds } = catalogue
  const made = remote?.documentsV3() ?? []
  const v3 = new Map([...openApiV3(kinds, info), ...made])
  const custom = new Set(kinds.filter((kind) => catalogue.isCustom?.(kind)).map(({ group }) => group))
  const hashes = new Map([...v3.keys()].map((name) => [name, hashOf(name, version, custom, generation)]))
  for (const [name, document] of made) hashes.set(name, digestOf(document.json()))
  const own = [...hashes].map(([name, hash]) => [name, `/openapi/v3/${name}?hash=${hash}`] as const)
  const entries = [...new Map([...own, ...(remote?.indexV3() ?? [])])]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, serverRelativeURL]) => [name, { serverRelativeURL }])
  const v2 = openApiV2(kinds, info)
  const index = JSON.stringify({ paths: Object.fromEntries(entries) })
  return { v2: remote?.withSpecs(v2) ?? v2, v3, index, hashes }
}

/**
 * A document's hash without the document, which takes long to make: it says whether the document may have changed.
 * Built-in ones follow from the version, others may change whenever the kinds do.
 */
function hashOf(name: string, version: string, custom: ReadonlySet<string>, generation: number): string {
  const isCustom = custom.has(name.split('/')[1] ?? '')
  const text = `${version} ${name}${isCustom ? ` ${generation}` : ''}`
  return digestOf(text)
}

const digestOf = (content: string | Buffer) => createHash('sha512').update(content).digest('hex').toUpperCase()

function answerV2(exchange: Exchange, { v2 }: Documents): ApiResponse {
  const isProtobuf = wantsProtobuf(exchange)
  const body = isProtobuf ? v2.protobuf() : v2.json()
  const type = isProtobuf ? 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf' : 'application/json'
  return tagged(exchange, type, body, `"${digestOf(body)}"`, {})
}

function answerV3(exchange: Exchange, { v3, hashes }: Documents, name: string): ApiResponse | undefined {
  const document = v3.get(name)
  const hash = hashes.get(name)
  if (document === undefined || hash === undefined) return undefined
  const asked = exchange.info.query.get('hash')
  if (asked !== undefined && asked !== '' && asked !== hash) {
    return { status: 301, headers: { location: `/openapi/v3/${name}?hash=${hash}` }, body: '' }
  }
  const isProtobuf = wantsProtobuf(exchange)
  const body = isProtobuf ? document.protobuf() : document.json()
  const type = isProtobuf ? 'application/com.github.proto-openapi.spec.v3.v1.0+protobuf' : 'application/json'
  // A URL with a hash always means the same document.
  const lasting: Readonly<Record<string, string>> = asked === undefined ? {} : { 'cache-control': 'public, immutable' }
  return tagged(exchange, type, body, `"${hash}"`, lasting)
}

function tagged(
  { request }: Exchange,
  type: string,
  body: Buffer,
  etag: string,
  more: Readonly<Record<string, string>>,
): ApiResponse {
  const headers = headersOf(type, [], { etag, vary: 'Accept', ...more })
  if (request.headers['if-none-match'] === etag) return { status: 304, headers, body: '' }
  return { status: 200, headers, body }
}

/** Whether the client would rather have gnostic's protobuf than JSON. */
function wantsProtobuf({ request }: Exchange): boolean {
  const accept = request.headers['accept']
  if (accept === undefined || !accept.includes('proto-openapi')) return false
  const [best] = parseAccept(accept)
  return best?.subtype.startsWith('com.github.proto-openapi') ?? false
}
