import { formatDuration } from '../../base/duration.ts'
import type { Client } from '../../client/client.ts'
import { Pod } from '../../kinds/core/pod.ts'
import { ApiError, isForbidden, isNotFound, isTooManyRequests } from '../../schema/status.ts'
import type { Clock } from '../../world/world.ts'
import type { Departures } from './departures.ts'
import { DrainFailure } from './failure.ts'
import { type DrainOptions, type DrainTools, dryRunNote } from './options.ts'
import { nameOf } from './selection.ts'
import type { Surge } from './surge.ts'

/** How long kubectl waits before it asks again for an eviction that a budget refuses. */
const retryMs = 5_000

/** What kubectl says when it has waited for pods to go for as long as it was told to. */
const tooLate = 'context deadline exceeded'

/** The end of a drain's patience; never, when it has no `--timeout`. */
export class Deadline {
  readonly #clock: Clock
  readonly #atMs: number
  /** `global timeout reached: 30s` */
  readonly message: string

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock
    this.#atMs = timeoutMs === 0 ? Number.POSITIVE_INFINITY : clock.monotonic() + timeoutMs
    this.message = `global timeout reached: ${formatDuration(timeoutMs)}`
  }

  get isOver(): boolean {
    // A timer may ring a moment early.
    return this.leftMs <= 1
  }

  /** In whole milliseconds, as timers count: who sleeps so long sleeps past the end. */
  get leftMs(): number {
    return Math.ceil(this.#atMs - this.#clock.monotonic())
  }

  /** What the promise gives, or nothing when it comes too late. */
  async limit<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    const given = new AbortController()
    const both = AbortSignal.any([given.signal, signal])
    const late = Number.isFinite(this.leftMs) ? this.#clock.after(Math.max(0, this.leftMs), both) : aborted(both)
    try {
      return await Promise.race([promise, late.then(() => undefined)])
    } finally {
      given.abort()
    }
  }
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const end = () => reject(signal.reason)
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })

export interface Going {
  readonly options: DrainOptions
  readonly tools: DrainTools
  readonly departures: Departures
  readonly deadline: Deadline
  /** Those whose Deployment has a second pod elsewhere before they go. */
  readonly surge?: Surge
}

/** Asks for each pod to be evicted until it is granted, all at once, and waits until they are gone. */
export async function evictPods(pods: readonly Pod[], going: Going): Promise<DrainFailure | undefined> {
  const messages = await Promise.all(pods.map((pod) => evictPod(pod, going)))
  const faults = messages.filter((message) => message !== undefined)
  return faults.length > 0 ? new DrainFailure(faults) : undefined
}

/** Gives the message of what went wrong. */
async function evictPod(pod: Pod, going: Going): Promise<string | undefined> {
  try {
    return await seeOff(pod, going)
  } catch (error) {
    // Others go on.
    if (error instanceof ApiError)
      return `error when evicting pods/"${pod.metadata.name}" -n "${pod.metadata.namespace}": ${error.message}`
    throw error
  }
}

async function seeOff(pod: Pod, going: Going): Promise<string | undefined> {
  const { options, tools, departures, deadline, surge } = going
  const fault = await surge?.prepare(pod, deadline)
  if (fault !== undefined) return fault
  const granted = await insist(pod, going)
  await surge?.finish(pod)
  if (granted === 'gone') return undefined
  if (granted !== 'granted') return granted.message
  if (options.dryRun === 'server') return undefined
  const how = await deadline.limit(departures.of(pod), tools.signal)
  const { name, namespace } = pod.metadata
  if (how === 'gone') tools.print(`pod/${name} evicted`)
  else if (how === 'given up') tools.print(skipped(pod, options))
  else return `error when waiting for pod "${name}" in namespace "${namespace}" to terminate: ${tooLate}`
  return undefined
}

type Granted = 'granted' | 'gone' | { readonly message: string }

async function insist(pod: Pod, { options, tools, departures, deadline }: Going): Promise<Granted> {
  const { name, namespace } = pod.metadata
  const what = `pods/"${name}" -n "${namespace}"`
  for (;;) {
    tools.print(`evicting pod ${nameOf(pod)}${dryRunNote[options.dryRun]}`)
    if (deadline.isOver) return { message: `error when evicting ${what}: ${deadline.message}` }
    try {
      await requestEviction(tools.client, pod, options)
      return 'granted'
    } catch (error) {
      const { message } = error as Error
      const isEnding = isNamespaceEnding(error)
      if (isNotFound(error) || departures.isGone(pod)) return 'gone'
      // No eviction will be granted in that namespace any more, and none is needed.
      if (isEnding && departures.now(pod)?.metadata.deletionTimestamp !== undefined) return 'granted'
      if (isEnding)
        tools.printError(
          `error when evicting pod "${name}" from terminating namespace "${namespace}" (will retry after 5s): ${message}`,
        )
      else if (isTooManyRequests(error))
        tools.printError(`error when evicting ${what} (will retry after 5s): ${message}`)
      else return { message: `error when evicting ${what}: ${message}` }
      await tools.clock.after(Math.max(0, Math.min(retryMs, deadline.leftMs)), tools.signal)
    }
  }
}

async function requestEviction(client: Client, { metadata }: Pod, options: DrainOptions): Promise<void> {
  const { name = '', namespace = '' } = metadata
  const { gracePeriodSeconds, dryRun } = options
  await client.createSubresource(Pod, { name, namespace }, 'eviction', {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace },
    deleteOptions: {
      ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
      ...(dryRun === 'server' && { dryRun: ['All'] }),
    },
  })
}

const isNamespaceEnding = (error: unknown): boolean =>
  isForbidden(error) &&
  (error as ApiError).details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') === true

/** Deletes the pods whatever their budgets say, and waits until they are gone. */
export async function deletePods(pods: readonly Pod[], going: Going): Promise<DrainFailure | undefined> {
  const { options, tools, departures, deadline } = going
  const { gracePeriodSeconds, dryRun } = options
  for (const { metadata } of pods) {
    const { name = '', namespace = '' } = metadata
    const grace = gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }
    try {
      await tools.client.delete(Pod, { name, namespace }, { ...grace, dryRun: dryRun === 'server' })
    } catch (error) {
      if (!isNotFound(error)) return new DrainFailure([(error as Error).message], false)
    }
  }
  if (dryRun === 'server') return undefined
  const waited = await Promise.all(
    pods.map(async (pod) => {
      const how = await deadline.limit(departures.of(pod), tools.signal)
      if (how === 'gone') tools.print(`pod/${pod.metadata.name} deleted`)
      else if (how === 'given up') tools.print(skipped(pod, options))
      return how
    }),
  )
  return waited.includes(undefined) ? new DrainFailure([tooLate], false) : undefined
}

const skipped = ({ metadata }: Pod, { skipWaitForDeleteTimeoutSeconds: seconds }: DrainOptions): string =>
  `pod "${metadata.name}" has DeletionTimestamp older than ${seconds} seconds, skipping`
