import { Pod } from '../../kinds/core/pod.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import { ApiError } from '../../schema/status.ts'
import type { Mutable } from '../../schema/types.ts'
import type { AdmissionPlugin } from '../admission.ts'
import type { Exchange } from '../exchange.ts'
import { contextOf } from '../options.ts'
import type { SubresourceRoute } from '../routes/objects.ts'
import { admit, validateAdmission } from '../storage/admission.ts'
import { backendOfNode, backendOfPod, backendOfService, type FindBackend } from './backends.ts'
import { connectionOptions } from './connection-options.ts'
import { passOn } from './proxy.ts'
import type { RealNodes } from './real-nodes.ts'
import type { Resources } from './resources.ts'
import { simulatedPod } from './simulated.ts'

/** Paths that lead through to a container on a node. */
const connections = ['log', 'exec', 'attach', 'portforward'] as const

/** What each of them would have given. */
const missing: Readonly<Record<(typeof connections)[number], string>> = {
  log: 'it writes no logs',
  exec: 'no command can be run in it',
  attach: 'there is nothing to attach to',
  portforward: 'no port of it is open',
}

/**
 * Routes to what runs on nodes, by `<plural>.<group>/<sub-resource>`. Most nodes of this server are simulated, and the
 * answer says so.
 *
 * @param real absent: all of them are
 */
export function connectRoutes(
  resources: AdmittingResources,
  real?: RealNodes,
): Readonly<Record<string, SubresourceRoute>> {
  return {
    ...Object.fromEntries(connections.map((name) => [`pods./${name}`, refuse(resources, name, real)])),
    'pods./proxy': proxyTo(resources, backendOfPod, real),
    'services./proxy': proxyTo(resources, backendOfService, real),
    'nodes./proxy': proxyTo(resources, backendOfNode, real),
  }
}

/** The registry. */
export interface AdmittingResources extends Resources {
  readonly admission: readonly AdmissionPlugin[]
}

/** Asks admission about a connection: about what path and query say, as an object. */
async function admitConnection(exchange: Exchange, kind: Kind, plugins: readonly AdmissionPlugin[]) {
  const { info } = exchange
  const { subresource } = info
  const options = connectionOptions[`${kind.plural}/${subresource}`]
  if (options === undefined) return
  const about = {
    operation: 'CONNECT' as const,
    kind,
    subresource,
    namespace: info.namespace,
    name: info.name,
    object: options.read(info) as Mutable<ApiObject>,
    bodyKind: options.bodyKind,
    context: contextOf(exchange, false, '', 'Ignore'),
  }
  await admit(plugins, about)
  await validateAdmission(plugins, about)
}

const refuse =
  (
    resources: AdmittingResources,
    connection: (typeof connections)[number],
    real: RealNodes | undefined,
  ): SubresourceRoute =>
  async (exchange, _, kind) => {
    const { info } = exchange
    await admitConnection(exchange, kind, resources.admission)
    const { object: pod } = await resources.resource(Pod).get(info.namespace, info.name)
    if (!pod.spec.nodeName) throw new ApiError('BadRequest', `pod ${info.name} does not have a host assigned`)
    const logs = connection === 'log' ? real?.logs(pod, exchange) : undefined
    if (logs) return logs
    throw simulatedPod(pod, missing[connection])
  }

const proxyTo =
  (resources: AdmittingResources, find: FindBackend, real: RealNodes | undefined): SubresourceRoute =>
  async (exchange, { random }, kind) => {
    await admitConnection(exchange, kind, resources.admission)
    return passOn(exchange, await find(resources, exchange.info, random), real)
  }
