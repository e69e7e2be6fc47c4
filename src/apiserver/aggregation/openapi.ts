import { derivedOpenApiV2, type OpenApiDocument, otherOpenApiV3 } from '../../schema/openapi-paths.ts'
import { ApiError } from '../../schema/status.ts'
import { NetworkError } from '../../world/world.ts'
import type { Exchange } from '../exchange.ts'
import type { ApiResponse } from '../request.ts'
import type { RemoteDocuments } from '../routes/openapi.ts'
import type { Aggregator } from './aggregator.ts'
import { type Json, mergeSpecs, type RemoteSpec } from './merge-openapi.ts'
import { passBack, serviceUnavailable } from './proxy.ts'
import type { RemoteApi } from './remote-api.ts'
import { specV3 } from './spec-v3.ts'

/** What remote servers add to the OpenAPI documents of this one. */
export function remoteOpenApi(aggregator: Aggregator): RemoteDocuments {
  const withV3 = () =>
    [...aggregator.remotes].flatMap((remote) => (remote.pathV3 === undefined ? [] : [{ remote, path: remote.pathV3 }]))
  return {
    get generation() {
      return aggregator.generation
    },
    withSpecs(own) {
      const specs = [...aggregator.remotes].flatMap(({ group, version, specV2 }) =>
        specV2 === undefined ? [] : [{ group, version, document: specV2 }],
      )
      return specs.length === 0
        ? own
        : withoutFaults(
            own,
            derivedOpenApiV2(own, (document) => mergedOneByOne(document, specs)),
          )
    },
    documentsV3: () =>
      [...aggregator.remotes].flatMap((remote) => {
        const { group, version, pathV3, specV2 } = remote
        const document = pathV3 === undefined ? orNothing(() => specV3(specV2, group, version)) : undefined
        return document === undefined ? [] : [[nameOf(remote), otherOpenApiV3(document)] as const]
      }),
    indexV3: () => withV3().map(({ remote, path }) => [nameOf(remote), ownUrl(remote, path)]),
    answerV3(name, exchange) {
      const found = withV3().find(({ remote }) => nameOf(remote) === name)
      return found && answerDocument(exchange, found.remote, found.path)
    },
  }
}

/** What others say may be anything: what cannot be made sense of is left out. */
function orNothing<T>(make: () => T): T | undefined {
  try {
    return make()
  } catch {
    return undefined
  }
}

const mergedOneByOne = (own: Json, specs: readonly RemoteSpec[]): Json =>
  specs.reduce((merged, spec) => orNothing(() => mergeSpecs(merged, [spec])) ?? merged, own)

/** What cannot be written, in protobuf because it is no OpenAPI, leaves ours alone. */
const withoutFaults = (own: OpenApiDocument, { json, protobuf }: OpenApiDocument): OpenApiDocument => ({
  json: () => orNothing(json) ?? own.json(),
  protobuf: () => orNothing(protobuf) ?? own.protobuf(),
})

const nameOf = ({ group, version }: RemoteApi) => `apis/${group}/${version}`

/** Where this server has the document: with the hash by which the other one names it. */
function ownUrl(remote: RemoteApi, path: string): string {
  const mark = path.indexOf('?')
  return `/openapi/v3/${nameOf(remote)}${mark < 0 ? '' : path.slice(mark)}`
}

async function answerDocument({ request }: Exchange, remote: RemoteApi, path: string): Promise<ApiResponse> {
  const { accept, 'if-none-match': etag } = request.headers
  try {
    return passBack(await remote.ask({ path, ...(accept && { accept }), etag, signal: request.signal }))
  } catch (error) {
    if (error instanceof NetworkError || error instanceof ApiError) return serviceUnavailable(error.message)
    throw error
  }
}
