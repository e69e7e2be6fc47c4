import { readFileSync } from 'node:fs'
import { defaultAdmission } from '../src/apiserver/admission/index.ts'
import { createImpersonation } from '../src/apiserver/authn/impersonation.ts'
import { parseTokenFile, refuseUnknownTokens, staticTokens } from '../src/apiserver/authn/static-token.ts'
import { privilegedGroup } from '../src/apiserver/authz/rbac.ts'
import { clusterReader } from '../src/apiserver/cluster-reader.ts'
import { createHandler } from '../src/apiserver/handler.ts'
import { Registry } from '../src/apiserver/registry.ts'
import { openApiDocuments } from '../src/apiserver/routes/openapi.ts'
import { startServer } from '../src/apiserver/server.ts'
import { subresourceRoutes } from '../src/apiserver/subresources/routes.ts'
import { kinds } from '../src/kinds/index.ts'
import { createAuthority, issueCertificate } from '../src/lifecycle/pki.ts'
import { MemoryStore } from '../src/store/memory.ts'
import { lineLog, realWorld } from '../src/world/real.ts'

/**
 * The API alone, over memory, for whoever wants to replay recordings against it: `api-only.ts PORT TOKEN-FILE`.
 * The token in the file is an administrator's, who may do everything; others may do nothing.
 */
const [port = '0', tokenFile = '/tmp/coracle/token'] = process.argv.slice(2)
const world = realWorld(lineLog('warn'))
const token = readFileSync(tokenFile, 'utf8').trim()
const version = 'v1.36.2'
const store = new MemoryStore(world)
const books = { book: async () => {}, isConflict: () => false }
const registry = new Registry({
  store,
  kinds,
  world,
  admission: defaultAdmission({
    reader: clusterReader(store),
    books,
    random: world.random,
    authorizer: privilegedGroup,
    rulesOf: () => [],
  }),
})
const handler = createHandler({
  ...world,
  catalogue: registry,
  subresources: subresourceRoutes(registry),
  openApi: openApiDocuments(registry, version),
  authenticators: [staticTokens(parseTokenFile(`${token},admin,1,"system:masters"`)), refuseUnknownTokens],
  anonymous: true,
  authorizer: privilegedGroup,
  impersonate: createImpersonation(),
  version,
  serverAddress: `127.0.0.1:${port}`,
})
const authority = createAuthority('kubernetes', world)
const serving = issueCertificate(
  authority,
  { commonName: 'kube-apiserver', hosts: ['127.0.0.1', 'localhost'], usages: ['server'] },
  world,
)
const server = await startServer({
  handler,
  host: '127.0.0.1',
  port: Number(port),
  certificates: { ...serving, clientCa: authority.certificate },
})
process.stdout.write(`https://127.0.0.1:${server.port}\n`)
process.once('SIGTERM', () => void server.close().then(() => process.exit(0)))
