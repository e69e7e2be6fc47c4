import { Pod } from '../../kinds/core/pod.ts'
import type { ApiObject } from '../../schema/kind.ts'
import { ApiError } from '../../schema/status.ts'
import type { Mutable } from '../../schema/types.ts'
import type { AdmissionPlugin } from '../admission.ts'
import type { Exchange } from '../exchange.ts'
import { contextOf } from '../options.ts'
import type { ApiResponse } from '../request.ts'
import type { SubresourceRoute } from '../routes/objects.ts'
import { admit, validateAdmission } from '../storage/admission.ts'
import { connectionOptions } from './connection-options.ts'
import type { Resources } from './resources.ts'

/** Paths that lead through to what runs on a node. */
const connections = ['log', 'exec', 'attach', 'portforward', 'proxy'] as const

/** What each of them would have given. */
const missing: Readonly<Record<(typeof connections)[number], string>> = {
  log: 'it writes no logs',
  exec: 'no command can be run in it',
  attach: 'there is nothing to attach to',
  portforward: 'no port of it is open',
  proxy: 'no port of it is open',
}

/**
 * Routes to what runs on nodes, by `<plural>.<group>/<sub-resource>`. Nodes of this server are simulated, and the answer
 * says so, instead of something that looks as if a container had said nothing.
 */
export function connectRoutes(
  resources: AdmittingResources,
  askForLogs?: AskForLogs,
): Readonly<Record<string, SubresourceRoute>> {
  return Object.fromEntries(connections.map((name) => [`pods./${name}`, refuse(resources, name, askForLogs)]))
}

/** Asks the pod's node for the output of a container; nothing when that node is simulated. */
export type AskForLogs = (pod: Pod, exchange: Exchange) => Promise<ApiResponse> | undefined

/** The registry. */
export interface AdmittingResources extends Resources {
  readonly admission: readonly AdmissionPlugin[]
}

/** Asks admission about a connection: about what the query says, as an object. */
async function admitConnection(exchange: Exchange, subresource: string, plugins: readonly AdmissionPlugin[]) {
  const options = connectionOptions[subresource]
  if (options === undefined) return
  const { info } = exchange
  const about = {
    operation: 'CONNECT' as const,
    kind: Pod,
    subresource,
    namespace: info.namespace,
    name: info.name,
    object: options.read(info.query) as Mutable<ApiObject>,
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
    askForLogs: AskForLogs | undefined,
  ): SubresourceRoute =>
  async (exchange) => {
    const { info } = exchange
    await admitConnection(exchange, connection, resources.admission)
    const { object: pod } = await resources.resource(Pod).get(info.namespace, info.name)
    const { nodeName } = pod.spec
    if (!nodeName) throw new ApiError('BadRequest', `pod ${info.name} does not have a host assigned`)
    const logs = connection === 'log' ? askForLogs?.(pod, exchange) : undefined
    if (logs) return logs
    throw new ApiError('', `pod ${info.name} runs on the simulated node ${nodeName}: ${missing[connection]}`, {
      code: 501,
    })
  }
