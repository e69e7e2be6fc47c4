import { printHashes, printHealth, printStatuses } from '../../../lifecycle/etcd/print.ts'
import {
  type Asked,
  compareHashes,
  endpointHashes,
  endpointHealth,
  endpointStatuses,
} from '../../../lifecycle/etcd/status.ts'
import { type Command, UserError } from '../../command.ts'
import { accessFlags, formatOf, outputFlags, withEtcd } from './context.ts'

const clusterFlag = { type: 'boolean', help: 'ask all members of the cluster, not only the endpoints' } as const

export const status: Command = {
  name: 'status',
  summary: 'Say how each member is: version, size, who leads, term, index, alarms',
  flags: { ...accessFlags, ...outputFlags('table'), cluster: clusterFlag },
  examples: ['coracle etcd status', 'coracle etcd status -o json'],

  run: (context) =>
    withEtcd(context, async (connections, endpoints) => {
      const asked = context.flags.cluster ? await connections.endpointsOfCluster() : endpoints
      const format = formatOf(context, 'table')
      const { answers, failures } = await endpointStatuses(connections, asked)
      for (const line of printStatuses(answers, format)) context.print(line)
      requireAll(failures, 'get the status of')
    }),
}

function requireAll(failures: Asked<unknown>['failures'], verb: string): void {
  const [first] = failures
  if (!first) return
  const lines = failures.map(({ endpoint, reason }) => `Failed to ${verb} endpoint ${endpoint} (${reason})`)
  throw new UserError(lines.join('\nerror: '), { hint: first.cause.message })
}

export const health: Command = {
  name: 'health',
  summary: 'Say whether each member commits, and how long it takes',
  flags: { ...accessFlags, ...outputFlags('simple'), cluster: clusterFlag },
  examples: ['coracle etcd health'],

  run: (context) =>
    withEtcd(context, async (connections, endpoints) => {
      const asked = context.flags.cluster ? await connections.endpointsOfCluster() : endpoints
      const found = await endpointHealth(connections, asked)
      for (const line of printHealth(found, formatOf(context, 'simple'))) context.print(line)
      if (found.some((one) => !one.health)) throw new UserError('unhealthy cluster')
    }),
}

export const hashkv: Command = {
  name: 'hashkv',
  summary: 'Compare the history of all members at one revision',
  flags: {
    ...accessFlags,
    ...outputFlags('table'),
    cluster: clusterFlag,
    rev: { type: 'string', value: 'N', default: '0', help: 'at which revision (0: the newest that all have)' },
  },
  examples: ['coracle etcd hashkv'],

  run: (context) =>
    withEtcd(context, async (connections, endpoints) => {
      const asked = context.flags.cluster ? await connections.endpointsOfCluster() : endpoints
      const { answers, failures } = await endpointHashes(connections, asked, Number(context.flags.rev))
      for (const line of printHashes(answers, formatOf(context, 'table'))) context.print(line)
      const verdict = compareHashes(answers)
      if (verdict === 'different') {
        throw new UserError('the members do not hold the same', {
          hint: 'replace the one that differs: stop it, then "coracle etcd replace NAME"; a snapshot first',
        })
      }
      if (verdict === 'incomparable') {
        throw new UserError('the members have compacted to different revisions: their hashes cannot be compared', {
          hint: 'try again in a moment, or compact to one revision first',
        })
      }
      requireAll(failures, 'get the hash of')
    }),
}
