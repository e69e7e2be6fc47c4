import { secondsTime } from '../../base/seconds-time.ts'
import type { Exchange } from '../exchange.ts'
import type { ApiResponse } from '../request.ts'
import { headersOf } from '../respond.ts'
import type { FlowControl } from './flow-control.ts'
import type { Entrant } from './level.ts'

const base = '/debug/api_priority_and_fairness'

/** Tables of who has seats and who waits for them, for people: what each path answers. */
export function flowDocuments(control: FlowControl): Readonly<Record<string, (exchange: Exchange) => ApiResponse>> {
  return {
    [`${base}/dump_priority_levels`]: () => table(levelColumns, levelRows(control)),
    [`${base}/dump_queues`]: () => table(queueColumns, queueRows(control)),
    [`${base}/dump_requests`]: (exchange) => {
      const isDetailed = exchange.info.query.get('includeRequestDetails') === '1'
      return table(
        isDetailed ? [...requestColumns, ...detailColumns] : requestColumns,
        requestRows(control, isDetailed),
      )
    },
  }
}

const levelColumns = [
  'PriorityLevelName',
  'ActiveQueues',
  'IsIdle',
  'IsQuiescing',
  'WaitingRequests',
  'ExecutingRequests',
  'DispatchedRequests',
  'RejectedRequests',
  'TimedoutRequests',
  'CancelledRequests',
]

function levelRows({ levels, flows }: FlowControl): readonly unknown[][] {
  return sorted(levels).map((level) => {
    const { executing, queues } = level.inspect()
    const series = flows.filter((flow) => flow.level === level).map((flow) => flow.series)
    const sum = (read: (one: (typeof series)[number]) => number) => series.reduce((total, one) => total + read(one), 0)
    const active = queues.filter((queue) => queue.waiting.length > 0 || queue.executing > 0).length
    return [
      level.name,
      active,
      level.isIdle,
      false,
      level.waiting,
      executing.length,
      sum(({ dispatched }) => dispatched.value),
      sum((one) => one.refused('queue-full').value + one.refused('concurrency-limit').value),
      sum((one) => one.refused('time-out').value),
      sum((one) => one.refused('cancelled').value),
    ]
  })
}

const queueColumns = [
  'PriorityLevelName',
  'Index',
  'PendingRequests',
  'ExecutingRequests',
  'SeatsInUse',
  'NextDispatchR',
]

function queueRows({ levels }: FlowControl): readonly unknown[][] {
  return sorted(levels).flatMap((level) =>
    level
      .inspect()
      .queues.map(({ index, waiting, executing, seats, nextStart }) => [
        level.name,
        index,
        waiting.length,
        executing,
        seats,
        `${nextStart.toFixed(8)}ss`,
      ]),
  )
}

const requestColumns = [
  'PriorityLevelName',
  'FlowSchemaName',
  'QueueIndex',
  'RequestIndexInQueue',
  'FlowDistingsher',
  'ArriveTime',
  'InitialSeats',
  'FinalSeats',
  'AdditionalLatency',
]
const detailColumns = ['UserName', 'Verb', 'APIPath', 'Namespace', 'Name', 'APIVersion', 'Resource', 'SubResource']

function requestRows(control: FlowControl, isDetailed: boolean): readonly unknown[][] {
  return sorted(control.levels).flatMap((level) =>
    level.inspect().queues.flatMap((queue) =>
      queue.waiting.map(({ entrant, sinceMs }, place) => {
        const { flow, distinguisher, work } = entrant
        const row = [level.name, flow.name, queue.index, place, distinguisher]
        row.push(secondsTime(control.now() - sinceMs), work.seats, work.seatsAfter, `${work.afterMs}ms`)
        return isDetailed ? [...row, ...details(entrant)] : row
      }),
    ),
  )
}

function details({ info, user }: Entrant): readonly string[] {
  const { verb, path, namespace, name, group, version, resource, subresource } = info
  return [user.name, verb, path, namespace, name, group === '' ? version : `${group}/${version}`, resource, subresource]
}

const sorted = (levels: FlowControl['levels']) => [...levels].sort((left, right) => (left.name < right.name ? -1 : 1))

function table(columns: readonly string[], rows: readonly (readonly unknown[])[]): ApiResponse {
  const lines = [columns, ...rows].map((cells) => cells.join(', '))
  return { status: 200, headers: headersOf('text/plain; charset=utf-8'), body: `${lines.join('\n')}\n` }
}
