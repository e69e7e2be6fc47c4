import { secondsTime } from '../../base/seconds-time.ts'
import { FlowSchema } from '../../kinds/flowcontrol/flow-schema.ts'
import { PriorityLevelConfiguration } from '../../kinds/flowcontrol/priority-level-configuration.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import { isNotFound } from '../../schema/status.ts'
import type { World } from '../../world/world.ts'
import { type RequestContext, serverContext } from '../context.ts'
import { follow } from '../follow.ts'
import type { Resource } from '../resource.ts'

type Condition = NonNullable<FlowSchema['status']['conditions']>[number]

/**
 * Says in every flow schema whether the priority level that it names is there, as the reference's server does by
 * itself. Resolves when all that are there say so; goes on until the signal.
 */
export async function markDanglingFlows(
  resources: <T extends ApiObject>(kind: Kind<T>) => Resource<T>,
  { clock, log }: Pick<World, 'clock' | 'log'>,
  signal: AbortSignal,
): Promise<void> {
  const levels = new Set<string>()
  const flows = new Map<string, FlowSchema>()
  const writes = new Set<Promise<void>>()

  function judge(flow: FlowSchema): void {
    const condition = judged(flow, levels, clock.now())
    if (condition === undefined || signal.aborted) return
    const write = applyStatus(resources(FlowSchema), flow.metadata.name!, condition)
      .catch((error: unknown) => log('warn', 'a flow schema could not be marked', { error: String(error) }))
      .finally(() => writes.delete(write))
    writes.add(write)
  }

  await follow(resources(PriorityLevelConfiguration), signal, log, ({ metadata }, isThere) => {
    const name = metadata.name!
    if (isThere === levels.has(name)) return
    if (isThere) levels.add(name)
    else levels.delete(name)
    for (const flow of flows.values()) if (flow.spec.priorityLevelConfiguration.name === name) judge(flow)
  })
  await follow(resources(FlowSchema), signal, log, (flow, isThere) => {
    const name = flow.metadata.name!
    if (!isThere) {
      flows.delete(name)
      return
    }
    flows.set(name, flow)
    judge(flow)
  })
  await Promise.all(writes)
}

/** The right condition of the flow; undefined when it has it. */
function judged(flow: FlowSchema, levels: ReadonlySet<string>, now: number): Condition | undefined {
  const wanted = condition(flow.spec.priorityLevelConfiguration.name, levels, now)
  const present = flow.status.conditions?.find(({ type }) => type === 'Dangling')
  const hasStatus = present !== undefined && present.status === wanted.status
  if (hasStatus && present.message === wanted.message) return undefined
  return hasStatus ? { ...wanted, lastTransitionTime: present.lastTransitionTime } : wanted
}

function condition(level: string, levels: ReadonlySet<string>, now: number): Condition {
  const named = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)}`
  const isThere = levels.has(level)
  return {
    type: 'Dangling',
    status: isThere ? 'False' : 'True',
    lastTransitionTime: secondsTime(now),
    reason: isThere ? 'Found' : 'NotFound',
    message: isThere ? `${named} and it exists` : `${named} but there is no such object`,
  }
}

async function applyStatus(resource: Resource<FlowSchema>, name: string, condition: Condition): Promise<void> {
  const { group, version, kind } = FlowSchema
  const status = { conditions: [condition] }
  const configuration = { apiVersion: `${group}/${version}`, kind, metadata: { name }, status }
  try {
    await resource.apply('', name, 'status', configuration, { force: true, problems: [] }, context)
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

const context: RequestContext = { ...serverContext, fieldManager: 'api-priority-and-fairness-config-consumer-v1' }
