import { reviewerAsker } from '../apiserver/access/ask-reviewer.ts'
import { type AccessSettings, usualSettings } from '../apiserver/access/settings.ts'
import { startAuthentication, startAuthorization } from '../apiserver/access/start.ts'
import { admissionPlugins } from '../apiserver/admission/index.ts'
import { storedAdmission } from '../apiserver/admission/stored.ts'
import { Aggregator } from '../apiserver/aggregation/aggregator.ts'
import { publishAuthentication } from '../apiserver/aggregation/authentication-config.ts'
import type { LocalApi } from '../apiserver/aggregation/local.ts'
import { LocalRoutes, type RoutedApi } from '../apiserver/aggregation/local-routes.ts'
import { remoteOpenApi } from '../apiserver/aggregation/openapi.ts'
import type { FrontProxy } from '../apiserver/aggregation/remote.ts'
import { Audit } from '../apiserver/audit/audit.ts'
import type { AuditBackend } from '../apiserver/audit/event.ts'
import { auditedWrite, auditedWrites } from '../apiserver/audit/local-writes.ts'
import { messageTypes } from '../apiserver/audit/message-types.ts'
import { backendsOf } from '../apiserver/audit/settings.ts'
import { createImpersonation } from '../apiserver/authn/impersonation.ts'
import { secretTokenUse } from '../apiserver/authn/secret-token-use.ts'
import { ServiceAccountTokens } from '../apiserver/authn/service-account-tokens.ts'
import { nodeGraphOnDemand } from '../apiserver/authz/node-sync.ts'
import { RbacAuthorizer } from '../apiserver/authz/rbac.ts'
import { followRbac } from '../apiserver/authz/rbac-sync.ts'
import { bootstrap, usualServiceCidrs } from '../apiserver/bootstrap.ts'
import { create, object } from '../apiserver/bootstrap-objects.ts'
import { clusterReader } from '../apiserver/cluster-reader.ts'
import { ComponentStatuses } from '../apiserver/component-statuses.ts'
import type { UserInfo } from '../apiserver/context.ts'
import { serveCustomResources } from '../apiserver/custom/custom-resources.ts'
import { markDanglingFlows } from '../apiserver/flow-control/dangling.ts'
import { startFlowControl } from '../apiserver/flow-control/start.ts'
import { createHandler, type Handler } from '../apiserver/handler.ts'
import { localReader } from '../apiserver/local-reader.ts'
import { addObjectMetrics } from '../apiserver/object-metrics.ts'
import { addProcessMetrics } from '../apiserver/process-metrics.ts'
import { quotaBooks } from '../apiserver/quota-books.ts'
import { Registry } from '../apiserver/registry.ts'
import type { Resource } from '../apiserver/resource.ts'
import { applyObject } from '../apiserver/routes/apply.ts'
import type { HealthCheck } from '../apiserver/routes/health.ts'
import { openApiDocuments } from '../apiserver/routes/openapi.ts'
import { openIdDocuments } from '../apiserver/routes/openid.ts'
import { type IsServed, servedCatalogue } from '../apiserver/runtime-config.ts'
import { ServiceAllocator } from '../apiserver/service-allocation.ts'
import { serviceHook } from '../apiserver/service-hook.ts'
import { followServiceRanges } from '../apiserver/service-ranges.ts'
import type { WriteHook } from '../apiserver/storage/write-hook.ts'
import { addStoreMetrics } from '../apiserver/store-metrics.ts'
import { connectRoutes } from '../apiserver/subresources/connect.ts'
import { type NodeCredential, realNodes } from '../apiserver/subresources/real-nodes.ts'
import { subresourceRoutes } from '../apiserver/subresources/routes.ts'
import { boundObjects } from '../apiserver/subresources/token.ts'
import { Metrics } from '../base/metrics.ts'
import type { Client } from '../client/client.ts'
import { HttpClient } from '../client/http.ts'
import { LocalClient, type LocalServer, serverUser } from '../client/local.ts'
import { RoutedClient } from '../client/routed.ts'
import { ComponentStatus } from '../kinds/core/component-status.ts'
import { ConfigMap } from '../kinds/core/config-map.ts'
import { Namespace } from '../kinds/core/namespace.ts'
import { Secret } from '../kinds/core/secret.ts'
import { Service } from '../kinds/core/service.ts'
import { kinds } from '../kinds/index.ts'
import { type ApiObject, apiVersionOf, type Kind } from '../schema/kind.ts'
import type { Store } from '../store/store.ts'
import type { Disk, Network, World } from '../world/world.ts'
import { countClientRequests } from './component-metrics.ts'
import { InProcessConnection } from './in-process-connection.ts'

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
  /** Who is let in, and what they may do; default: as kubeadm sets a server up. */
  readonly access?: AccessSettings
  /** Where the files lie that `access` names. Absent: it may name none. */
  readonly disk?: Disk
  /** By which others are asked (webhooks, aggregated servers). Absent: nobody can be. */
  readonly network?: Network
  /** What this server shows to aggregated ones. Absent: nothing, so they believe nobody it asks for. */
  readonly frontProxy?: FrontProxy
  /** Which of what is built in is served (`--runtime-config`). Absent: all. */
  readonly isServed?: IsServed
  /** PEM of the authority that signs clients' certificates. */
  readonly clientAuthority?: string
  /** Who signs tokens of service accounts (`--service-account-issuer`). Absent: `defaultIssuer`. */
  readonly serviceAccountIssuer?: string
  /** Where services get their addresses from, one range or one of each family. Absent: 10.96.0.0/12. */
  readonly serviceCidrs?: readonly string[]
  /** Which ports nodes may open for services, both ends included. Absent: 30000 to 32767. */
  readonly nodePorts?: { readonly from: number; readonly to: number }
  /** What nodes are shown when they are asked for logs. Absent: they are not asked. */
  readonly nodeCredential?: NodeCredential
  /** Whether other API servers write into the same store. */
  readonly isShared?: boolean
  /** What `/healthz` and its sisters ask besides. */
  readonly healthChecks?: Readonly<Record<string, HealthCheck>>
}

/** The API of one cluster, in this process: as a function of requests, and as a client that needs none. */
export interface ControlPlane extends AsyncDisposable {
  readonly store: Store
  readonly registry: Registry
  readonly handler: Handler
  readonly client: Client
  readonly serviceAccountTokens: ServiceAccountTokens
  /** What `/metrics` shows. */
  readonly metrics: Metrics
  /** Which parts of the control plane run in this process. */
  readonly components: ComponentStatuses
  /**
   * Tells aggregated servers whom to believe from now on: `clientAuthority` signs the certificates of clients (PEM), and
   * the front proxy's are signed as `frontProxy` says by now.
   */
  publishAuthorities(clientAuthority: string | undefined): Promise<void>
  /** Serves a version of a group that this process answers without a store. */
  serveLocal(api: LocalApi): Promise<void>
  /** The same for a version whose resources are no kinds. */
  serveRouted(api: RoutedApi): Promise<void>
}

/** Puts the API server together over a store, and into the store what every cluster begins with. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const stop = new AbortController()
  try {
    return await putTogether(options, stop)
  } catch (error) {
    // What has begun to follow the store must not outlive it.
    stop.abort()
    throw error
  }
}

async function putTogether(options: ControlPlaneOptions, stop: AbortController): Promise<ControlPlane> {
  const { world, store } = options
  const reader = clusterReader(store)
  const rbac = new RbacAuthorizer()
  const resources = <T extends ApiObject>(kind: Kind<T>) => registry.resource(kind)
  const findNodeGraph = nodeGraphOnDemand(resources, world.log, stop.signal)
  const { access = usualSettings } = options
  const parts = { ...world, network: options.network, disk: options.disk, reader, signal: stop.signal }
  const { authorizer, rules } = await startAuthorization(access, parts, rbac, findNodeGraph)
  const { network, frontProxy } = options
  const outgoing = { network, reader, random: world.random.fork('outgoing') }
  const stored = storedAdmission({ kinds: () => registry.kinds, reader, authorizer, outgoing, log: world.log })
  const admission = admissionPlugins(
    {
      stored: stored.plugins,
      ...(options.network &&
        options.disk && { askReviewer: reviewerAsker({ ...world, network: options.network, disk: options.disk }) }),
      reader,
      books: quotaBooks(world.clock),
      clock: world.clock,
      random: world.random.fork('admission'),
      authorizer,
      rulesOf: (user, namespace) => rbac.rulesOf(user, namespace),
      findKind: (apiVersion, name) =>
        registry.kinds.find((kind) => kind.kind === name && apiVersionOf(kind) === apiVersion),
      createNamespace: (name) => create(resources(Namespace), object(Namespace, name, {})),
    },
    access.admission,
  )
  const serviceAccountTokens = new ServiceAccountTokens({
    signingKey: options.signingKey,
    ...(options.serviceAccountIssuer && { issuer: options.serviceAccountIssuer }),
    objects: boundObjects(
      reader,
      secretTokenUse(() => resources(Secret), world),
    ),
    tools: world,
    furtherPublicKeys: access.authentication.serviceAccountKeys,
  })
  const authentication = await startAuthentication(access, parts, serviceAccountTokens, options.tokens)
  const { serviceCidrs = usualServiceCidrs, nodePorts } = options
  const random = world.random.fork('services')
  const allocator = new ServiceAllocator({ random, serviceCidrs, ...(nodePorts && { nodePorts }) })
  const hooks = new Map<Kind, WriteHook>([
    [Service, serviceHook(allocator, reader, world, options.isShared) as WriteHook],
  ])
  const metrics = new Metrics()
  addProcessMetrics(metrics, world.clock, options.version)
  const checkStore = async () => void (await (options.healthChecks?.['etcd'] ?? (() => store.currentRevision()))())
  const asker = network && options.isShared && { network, checkStore }
  const components = new ComponentStatuses(asker || undefined)
  const computed = new Map<Kind, Resource>([[ComponentStatus, components.resource() as Resource]])
  const registry = new Registry({ store, kinds, world, admission, hooks, tokens: serviceAccountTokens, computed })
  addObjectMetrics(metrics, registry)
  addStoreMetrics(metrics, registry)

  await bootstrap(resources, world.clock.now(), serviceCidrs)
  const catalogue = options.isServed === undefined ? registry : servedCatalogue(registry, options.isServed)
  const aggregator = new Aggregator({
    ...world,
    ...outgoing,
    registry,
    catalogue,
    metrics,
    signal: stop.signal,
    ...(frontProxy && { frontProxy }),
  })
  const publishAuthorities = async (clientAuthority: string | undefined) => {
    if (frontProxy) await publishAuthentication(resources(ConfigMap), frontProxy, clientAuthority)
  }
  const serveAll = async () => {
    await serveCustomResources({ ...world, registry, signal: stop.signal, outgoing })
    await aggregator.begin()
  }
  // None of them waits for another, so what they write shares its trips to the disk.
  const [flowControl] = await Promise.all([
    startFlowControl({
      ...{ ...world, settings: access.flow, metrics, store, resources, signal: stop.signal },
      kinds: () => registry.kinds,
    }),
    followRbac(rbac, resources, world.log, stop.signal),
    followServiceRanges(allocator, resources, world.log, stop.signal, options.isShared),
    markDanglingFlows(resources, world, stop.signal),
    stored.follow(resources, stop.signal),
    serveAll(),
    publishAuthorities(options.clientAuthority),
  ])

  const backends = backendsFor(access.audit, options)
  const audit =
    access.audit && new Audit({ ...world, backends, policy: access.audit.policy, findType: messageTypes(catalogue) })
  const routes = new LocalRoutes(aggregator, registry)

  const subresources = subresourceRoutes(registry)
  const { nodeCredential } = options
  const nodes = network && nodeCredential ? realNodes(network, reader, nodeCredential) : undefined
  const furtherRoutes = connectRoutes(registry, nodes)
  const handler = createHandler({
    ...world,
    catalogue,
    aggregation: routes,
    subresources: {
      find: (kind, subresource) =>
        subresources.find(kind, subresource) ?? furtherRoutes[`${kind.plural}.${kind.group}/${subresource}`],
    },
    apply: applyObject,
    openApi: openApiDocuments(catalogue, options.version, remoteOpenApi(aggregator)),
    documents: { ...openIdDocuments(serviceAccountTokens, options.serverAddress), ...flowControl.documents },
    tokenReviewer: serviceAccountTokens,
    get authenticators() {
      return authentication.authenticators
    },
    anonymous: authentication.anonymous,
    authorizer,
    ...(audit && { audit }),
    flowControl: flowControl.admission,
    rules,
    impersonate: createImpersonation(),
    version: options.version,
    serverAddress: options.serverAddress,
    ...(options.healthChecks && { healthChecks: options.healthChecks }),
    metrics,
  })
  return {
    store,
    registry,
    handler,
    client: new RoutedClient(
      new LocalClient({
        ...localServer(registry, handler, audit),
        counted: countClientRequests(metrics, world.clock, options.serverAddress),
      }),
      new HttpClient(
        { ...world, server: 'https://localhost' },
        undefined,
        new InProcessConnection(handler, { name: serverUser.name, groups: serverUser.groups ?? [] }),
      ),
    ),
    serviceAccountTokens,
    metrics,
    components,
    publishAuthorities,
    serveRouted: (api) => routes.serve(api),
    serveLocal(api) {
      registry.serveLocal(api)
      return aggregator.serveLocal()
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await Promise.all(backends.map((backend) => backend[Symbol.asyncDispose]()))
    },
  }
}

/** Where events go. Without a disk and a network they can go nowhere. */
function backendsFor(
  settings: AccessSettings['audit'],
  { world, disk, network }: ControlPlaneOptions,
): readonly AuditBackend[] {
  return settings && disk && network ? backendsOf(settings, { ...world, disk, network }) : []
}

/** What the in-process client asks: resources go straight to the registry, paths to the handler. */
function localServer(registry: Registry, handler: Handler, audit: Audit | undefined): LocalServer {
  return {
    resource: (kind) => {
      const resource = registry.resource(kind)
      return audit === undefined ? resource : auditedWrites(audit, kind, resource)
    },
    createSubresource(kind, namespace, name, subresource, body, context) {
      const run = () => registry.createSubresource(kind, namespace, name, subresource, body, context)
      if (audit === undefined) return run()
      const write = { method: 'POST', kind, namespace, name, subresource, context } as const
      return auditedWrite(audit, write, run, { sent: () => body, answer: (made) => made, code: () => 201 })
    },
    scale: (...parameters) => registry.scale(...parameters),
    updateScale: (...parameters) => registry.updateScale(...parameters),
    read: localReader(handler),
  }
}
