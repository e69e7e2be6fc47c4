import { defaultAdmission } from '../apiserver/admission/index.ts'
import type { QuotaBooks } from '../apiserver/admission/resource-quota.ts'
import { clientCertificates, refuseUnverifiedCertificates } from '../apiserver/authn/client-certificate.ts'
import { createImpersonation } from '../apiserver/authn/impersonation.ts'
import { type BoundObjects, ServiceAccountTokens } from '../apiserver/authn/service-account-tokens.ts'
import { refuseUnknownTokens, staticTokens } from '../apiserver/authn/static-token.ts'
import { RbacAuthorizer } from '../apiserver/authz/rbac.ts'
import { followRbac } from '../apiserver/authz/rbac-sync.ts'
import { firstThatDecides, privilegedGroup } from '../apiserver/authz/simple.ts'
import { bootstrap } from '../apiserver/bootstrap.ts'
import { clusterReader } from '../apiserver/cluster-reader.ts'
import { systemMaster, type UserInfo } from '../apiserver/context.ts'
import { serveCustomResources } from '../apiserver/custom/custom-resources.ts'
import { markDanglingFlows } from '../apiserver/flow-control/dangling.ts'
import { createHandler, type Handler } from '../apiserver/handler.ts'
import { Registry } from '../apiserver/registry.ts'
import { applyObject } from '../apiserver/routes/apply.ts'
import { openApiDocuments } from '../apiserver/routes/openapi.ts'
import { openIdDocuments } from '../apiserver/routes/openid.ts'
import { ServiceAllocator } from '../apiserver/service-allocation.ts'
import { serviceHook } from '../apiserver/service-hook.ts'
import type { WriteHook } from '../apiserver/storage/write-hook.ts'
import { connectRoutes } from '../apiserver/subresources/connect.ts'
import { subresourceRoutes } from '../apiserver/subresources/routes.ts'
import { LocalClient } from '../client/local.ts'
import { Node } from '../kinds/core/node.ts'
import { Pod } from '../kinds/core/pod.ts'
import { ResourceQuota } from '../kinds/core/resource-quota.ts'
import { Secret } from '../kinds/core/secret.ts'
import { Service } from '../kinds/core/service.ts'
import { ServiceAccount } from '../kinds/core/service-account.ts'
import { kinds } from '../kinds/index.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'
import { isConflict } from '../schema/status.ts'
import type { Store } from '../store/store.ts'
import type { World } from '../world/world.ts'

export interface ControlPlaneOptions {
  readonly world: World
  readonly store: Store
  /** PEM of the key that signs service account tokens. */
  readonly signingKey: string
  /** What the server presents itself as: `v1.36.2`. */
  readonly version: string
  /** `host:port` under which clients reach it. */
  readonly serverAddress: string
  /** Bearer tokens, by digest: see `parseTokenFile`. */
  readonly tokens?: ReadonlyMap<string, UserInfo>
}

/** The API of one cluster, in this process: as a function of requests, and as a client that needs none. */
export interface ControlPlane extends AsyncDisposable {
  readonly store: Store
  readonly registry: Registry
  readonly handler: Handler
  readonly client: LocalClient
  readonly serviceAccountTokens: ServiceAccountTokens
}

/** Puts the API server together over a store, and into the store what every cluster begins with. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { world, store } = options
  const stop = new AbortController()
  const reader = clusterReader(store)
  const books: QuotaBooks = { book: (quota, used) => bookQuota(registry, quota, used), isConflict }
  const rbac = new RbacAuthorizer()
  const authorizer = firstThatDecides([privilegedGroup, rbac])
  const admission = defaultAdmission({
    reader,
    books,
    random: world.random.fork('admission'),
    authorizer,
    rulesOf: (user, namespace) => rbac.rulesOf(user, namespace),
  })
  const serviceAccountTokens = new ServiceAccountTokens({
    signingKey: options.signingKey,
    objects: boundObjects(reader),
    tools: world,
  })
  const allocator = new ServiceAllocator({ random: world.random.fork('services') })
  const hooks = new Map<Kind, WriteHook>([[Service, serviceHook(allocator, reader, world) as WriteHook]])
  const registry = new Registry({ store, kinds, world, admission, hooks, tokens: serviceAccountTokens })
  const resources = <T extends ApiObject>(kind: Kind<T>) => registry.resource(kind)

  await bootstrap(resources, world.clock.now())
  await followRbac(rbac, resources, world.log, stop.signal)
  await markDanglingFlows(resources, world, stop.signal)

  await serveCustomResources({ ...world, registry, signal: stop.signal })

  const subresources = subresourceRoutes(registry)
  const furtherRoutes = connectRoutes(registry)
  const handler = createHandler({
    ...world,
    catalogue: registry,
    subresources: {
      find: (kind, subresource) =>
        subresources.find(kind, subresource) ?? furtherRoutes[`${kind.plural}.${kind.group}/${subresource}`],
    },
    apply: applyObject,
    openApi: openApiDocuments(registry, options.version),
    documents: openIdDocuments(serviceAccountTokens, options.serverAddress),
    tokenReviewer: serviceAccountTokens,
    authenticators: [
      clientCertificates,
      staticTokens(options.tokens ?? new Map()),
      serviceAccountTokens,
      refuseUnknownTokens,
      refuseUnverifiedCertificates,
    ],
    anonymous: true,
    authorizer,
    rulesOf: (user, namespace) => rbac.rulesOf(user, namespace),
    impersonate: createImpersonation(),
    version: options.version,
    serverAddress: options.serverAddress,
  })
  return {
    store,
    registry,
    handler,
    client: new LocalClient(registry),
    serviceAccountTokens,
    async [Symbol.asyncDispose]() {
      stop.abort()
    },
  }
}

/** Tokens are bound to objects that the server has in memory anyway. */
function boundObjects(reader: ReturnType<typeof clusterReader>): BoundObjects {
  const kindOf: Readonly<Record<Parameters<BoundObjects['uidOf']>[0], Kind>> = { ServiceAccount, Pod, Secret, Node }
  return { uidOf: (kind, namespace, name) => reader.get(kindOf[kind], namespace, name)?.metadata.uid }
}

async function bookQuota(
  registry: Registry,
  quota: ResourceQuota,
  used: Readonly<Record<string, string>>,
): Promise<void> {
  const { namespace = '', name = '' } = quota.metadata
  // With the resourceVersion that was read in it, a quota that was changed meanwhile is a conflict.
  const booked = { ...quota, status: { ...quota.status, used } }
  await registry.resource(ResourceQuota).update(namespace, name, 'status', () => booked as ApiObject, {
    user: systemMaster,
    dryRun: false,
    fieldManager: 'kube-apiserver',
    userAgent: 'kube-apiserver',
    fieldValidation: 'Ignore',
    warn: () => {},
    signal: new AbortController().signal,
  })
}
