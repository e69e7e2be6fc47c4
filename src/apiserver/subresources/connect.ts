import { Pod } from '../../kinds/core/pod.ts'
import { ApiError } from '../../schema/status.ts'
import type { SubresourceRoute } from '../routes/objects.ts'
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
export function connectRoutes(resources: Resources): Readonly<Record<string, SubresourceRoute>> {
  return Object.fromEntries(connections.map((name) => [`pods./${name}`, refuse(resources, name)]))
}

const refuse =
  (resources: Resources, connection: (typeof connections)[number]): SubresourceRoute =>
  async ({ info }) => {
    const { object: pod } = await resources.resource(Pod).get(info.namespace, info.name)
    const { nodeName } = pod.spec
    if (!nodeName) throw new ApiError('BadRequest', `pod ${info.name} does not have a host assigned`)
    throw new ApiError('', `pod ${info.name} runs on the simulated node ${nodeName}: ${missing[connection]}`, {
      code: 501,
    })
  }
