import { parseQuantity } from '../base/quantity.ts'
import type { Client } from '../client/client.ts'
import { HorizontalPodAutoscaler, type MetricStatus } from '../kinds/autoscaling/horizontal-pod-autoscaler.ts'
import { Pod } from '../kinds/core/pod.ts'
import { kinds as builtIn } from '../kinds/index.ts'
import { again, asked, event, type Steps } from '../reconciler/changes.ts'
import { type Context, type Controller, defineController } from '../reconciler/controller.ts'
import type { Kind } from '../schema/kind.ts'
import { type LabelSelector, parseLabelSelector } from '../schema/selectors.ts'
import { ApiError } from '../schema/status.ts'
import type { Situation, Tolerances } from './horizontal-pod-autoscaler/calculator.ts'
import { evaluate, type Failure } from './horizontal-pod-autoscaler/evaluate.ts'
import { limit, type Memory, newMemory, noteRescale } from './horizontal-pod-autoscaler/limits.ts'
import { StatusDraft } from './horizontal-pod-autoscaler/status.ts'
import { readTarget, referenceFault, rescale, type Target } from './horizontal-pod-autoscaler/target.ts'

/** What the reference's controller manager has flags for. */
export interface AutoscalerOptions {
  /** `--horizontal-pod-autoscaler-sync-period` */
  readonly autoscalerSyncMs?: number
  /** `--horizontal-pod-autoscaler-downscale-stabilization` */
  readonly downscaleStabilizationMs?: number
  /** `--horizontal-pod-autoscaler-tolerance` */
  readonly autoscalerTolerance?: number
  /** `--horizontal-pod-autoscaler-cpu-initialization-period` */
  readonly cpuInitializationMs?: number
  /** `--horizontal-pod-autoscaler-initial-readiness-delay` */
  readonly initialReadinessMs?: number
}

type Settings = Required<AutoscalerOptions> & { readonly kinds: () => readonly Kind[] }

const usual: Settings = {
  autoscalerSyncMs: 15_000,
  downscaleStabilizationMs: 300_000,
  autoscalerTolerance: 0.1,
  cpuInitializationMs: 300_000,
  initialReadinessMs: 30_000,
  kinds: () => builtIn,
}

/** What the controller knows of an autoscaler beyond the object. */
interface Known {
  /** The selector of its target, when it last looked: whose pods two autoscalers may not both count. */
  selector: LabelSelector | undefined
  memory: Memory | undefined
}

/**
 * Sets the replicas of each target to what the metrics ask for. Goes by the clock alone: an autoscaler is looked at
 * once in a period, the first time one period after it was made, whatever changes in between.
 */
export function horizontalPodAutoscalerController(
  options: AutoscalerOptions & { readonly kinds?: () => readonly Kind[] } = {},
): Controller {
  const settings = { ...usual, ...options }
  const known = new Map<string, Known>()
  return defineController<HorizontalPodAutoscaler>({
    name: 'horizontal-pod-autoscaler-controller',
    serviceAccount: 'horizontal-pod-autoscaler',
    eventSource: 'horizontal-pod-autoscaler',
    reconciles: HorizontalPodAutoscaler,
    reads: [Pod],
    wakes: ({ object, old }) => object !== undefined && object.metadata.uid !== old?.metadata.uid,

    *reconcile(autoscaler, context) {
      const { uid = '' } = autoscaler.metadata
      yield again(settings.autoscalerSyncMs)
      const present = known.get(uid)
      if (present === undefined) return void known.set(uid, { selector: undefined, memory: undefined })
      yield* new Look(autoscaler, context, settings, known, present).run()
    },
    gone(_ref, context) {
      const living = new Set(context.list(HorizontalPodAutoscaler).map(({ metadata }) => metadata.uid))
      for (const uid of known.keys()) if (!living.has(uid)) known.delete(uid)
      return undefined
    },
  })
}

/** One look at one autoscaler. */
class Look {
  readonly #autoscaler: HorizontalPodAutoscaler
  readonly #context: Context
  readonly #settings: Settings
  readonly #all: ReadonlyMap<string, Known>
  readonly #known: Known
  readonly #status: StatusDraft

  constructor(
    autoscaler: HorizontalPodAutoscaler,
    context: Context,
    settings: Settings,
    all: ReadonlyMap<string, Known>,
    known: Known,
  ) {
    this.#autoscaler = autoscaler
    this.#context = context
    this.#settings = settings
    this.#all = all
    this.#known = known
    this.#status = new StatusDraft(autoscaler, context.now)
  }

  get #namespace(): string {
    return this.#autoscaler.metadata.namespace ?? ''
  }

  *run(): Steps {
    const target = yield* this.#target()
    if (target !== undefined) yield* this.#scale(target)
    const change = this.#status.change()
    if (change !== undefined) yield* this.#write(change)
  }

  *#write(change: NonNullable<ReturnType<StatusDraft['change']>>): Steps {
    try {
      yield change
    } catch (error) {
      // The next look writes it, from what is there then.
      yield event('FailedUpdateStatus', messageOf(error), 'Warning')
    }
  }

  *#target(): Steps<Target | undefined> {
    const { scaleTargetRef } = this.#autoscaler.spec
    const kinds = this.#settings.kinds()
    const fault = referenceFault(scaleTargetRef, kinds)
    if (fault !== undefined) return yield* this.#noScale(fault)
    try {
      const target = yield* asked((client) => readTarget(client, this.#namespace, scaleTargetRef, kinds))
      const message = "the HPA controller was able to get the target's current scale"
      this.#status.condition('AbleToScale', true, 'SucceededGetScale', message)
      return target
    } catch (error) {
      return yield* this.#noScale(messageOf(error))
    }
  }

  *#noScale(fault: string): Steps<undefined> {
    yield event('FailedGetScale', fault, 'Warning')
    const message = `the HPA controller was unable to get the target's current scale: ${fault}`
    this.#status.condition('AbleToScale', false, 'FailedGetScale', message)
    return undefined
  }

  *#scale(target: Target): Steps {
    const { minReplicas: min = 1, maxReplicas: max } = this.#autoscaler.spec
    const current = target.scale.spec.replicas ?? 0
    this.#known.memory ??= newMemory(current, this.#context.now)
    if (current === 0 && min !== 0) {
      const message = 'scaling is disabled since the replica count of the target is zero'
      this.#status.condition('ScalingActive', false, 'ScalingDisabled', message)
      this.#status.counts(current, current, [], false)
    } else if (current > max) {
      yield* this.#rescale(target, max, 'Current number of replicas above Spec.MaxReplicas', [])
    } else if (current < min) {
      yield* this.#rescale(target, min, 'Current number of replicas below Spec.MinReplicas', [])
    } else yield* this.#byMetrics(target, min)
  }

  *#byMetrics(target: Target, min: number): Steps {
    const { maxReplicas: max, behavior } = this.#autoscaler.spec
    const current = target.scale.spec.replicas ?? 0
    const asking = yield* this.#askMetrics(target)
    if (asking.replicas === undefined) {
      this.#status.counts(current, undefined, asking.statuses, false)
      yield event('FailedComputeMetricsReplicas', asking.failure, 'Warning')
      return
    }
    const wish = { current, desired: asking.replicas, min, max, now: this.#context.now }
    const { replicas, able, limited } = limit(
      wish,
      behavior,
      this.#known.memory!,
      this.#settings.downscaleStabilizationMs,
    )
    this.#status.condition('AbleToScale', true, able.reason, able.message)
    this.#status.condition('ScalingLimited', limited.holds, limited.reason, limited.message)
    if (replicas === current) return this.#status.counts(current, current, asking.statuses, false)
    const reason = rescaleReason(asking.replicas, current, asking.metric)
    yield* this.#rescale(target, replicas, reason, asking.statuses)
  }

  *#rescale(target: Target, replicas: number, reason: string, metrics: readonly MetricStatus[]): Steps {
    const current = target.scale.spec.replicas ?? 0
    try {
      yield* asked((client) => rescale(client, target, replicas))
    } catch (error) {
      const fault = messageOf(error)
      yield event('FailedRescale', `New size: ${replicas}; reason: ${reason}; error: ${fault}`, 'Warning')
      const message = `the HPA controller was unable to update the target scale: ${fault}`
      this.#status.condition('AbleToScale', false, 'FailedUpdateScale', message)
      return this.#status.counts(current, undefined, metrics, false)
    }
    const message = `the HPA controller was able to update the target scale to ${replicas}`
    this.#status.condition('AbleToScale', true, 'SucceededRescale', message)
    yield event('SuccessfulRescale', `New size: ${replicas}; reason: ${reason}`)
    const { behavior } = this.#autoscaler.spec
    noteRescale(this.#known.memory!, behavior, { current, desired: replicas, now: this.#context.now })
    this.#status.counts(current, replicas, metrics, true)
  }

  /** Asks every metric; the highest number counts. One that fails keeps the number from going down. */
  *#askMetrics(target: Target): Steps<Asked> {
    const selector = yield* this.#selector(target)
    if (typeof selector === 'string') return { replicas: undefined, failure: selector, statuses: [] }
    const { metrics = [] } = this.#autoscaler.spec
    const situation = this.#situation(target, selector)
    const statuses: MetricStatus[] = []
    const failures: Failure[] = []
    let highest: { readonly replicas: number; readonly name: string } | undefined
    for (const metric of metrics) {
      const measuring = { selector: target.scale.status.selector ?? '', situation, kinds: this.#settings.kinds() }
      const answer = yield* asked((client: Client) =>
        evaluate(metric, { ...measuring, client, namespace: this.#namespace }),
      )
      if ('reason' in answer) {
        yield event(answer.reason, answer.message, 'Warning')
        failures.push(answer)
        // What could not be measured keeps its place among the others.
        statuses.push({ type: '' })
        continue
      }
      statuses.push(answer.status)
      if (highest === undefined || highest.replicas === 0 || answer.replicas > highest.replicas) highest = answer
    }
    const [first] = failures
    if (first !== undefined && (highest === undefined || highest.replicas < situation.specReplicas)) {
      const message = `the HPA was unable to compute the replica count: ${first.message}`
      this.#status.condition('ScalingActive', false, first.reason, message)
      const count = `${failures.length} invalid out of ${metrics.length}`
      const failure = `invalid metrics (${count}), first error is: ${first.summary}`
      return { replicas: undefined, failure, statuses }
    }
    const { replicas, name } = highest ?? { replicas: 0, name: '' }
    const message = `the HPA was able to successfully calculate a replica count from ${name}`
    this.#status.condition('ScalingActive', true, 'ValidMetricFound', message)
    return { replicas, metric: name, statuses }
  }

  /** The selector of the target's pods, or why there is none. */
  *#selector({ scale }: Target): Steps<LabelSelector | string> {
    const text = scale.status.selector ?? ''
    if (text === '') {
      const message = "the HPA target's scale is missing a selector"
      return yield* this.#noSelector('SelectorRequired', 'selector is required', 'InvalidSelector', message)
    }
    let selector: LabelSelector
    try {
      selector = parseLabelSelector(text)
    } catch (error) {
      const fault = `couldn't convert selector into a corresponding internal selector object: ${messageOf(error)}`
      return yield* this.#noSelector('InvalidSelector', fault, 'InvalidSelector', fault)
    }
    this.#known.selector = selector
    const others = this.#countingTheSame(selector)
    if (others.length < 2) return selector
    const fault = `pods by selector ${text} are controlled by multiple HPAs: [${others.join(' ')}]`
    return yield* this.#noSelector('AmbiguousSelector', fault, 'AmbiguousSelector', fault)
  }

  *#noSelector(eventReason: string, fault: string, reason: string, message: string): Steps<string> {
    yield event(eventReason, fault, 'Warning')
    this.#status.condition('ScalingActive', false, reason, message)
    return fault
  }

  /** All autoscalers that count a pod which this one counts, itself among them. */
  #countingTheSame(selector: LabelSelector): string[] {
    const pods = this.#pods(selector)
    const autoscalers = this.#context.list(HorizontalPodAutoscaler, this.#namespace)
    return autoscalers
      .filter(({ metadata }) => {
        const other = this.#all.get(metadata.uid ?? '')?.selector
        return other !== undefined && pods.some((pod) => other.matches(pod.metadata.labels))
      })
      .map(({ metadata }) => `{${metadata.name} ${metadata.namespace}}`)
      .sort()
  }

  #pods(selector: LabelSelector): readonly Pod[] {
    return this.#context.list(Pod, this.#namespace).filter(({ metadata }) => selector.matches(metadata.labels))
  }

  #situation({ scale }: Target, selector: LabelSelector): Situation {
    return {
      specReplicas: scale.spec.replicas ?? 0,
      statusReplicas: scale.status.replicas,
      pods: this.#pods(selector),
      tolerances: tolerancesOf(this.#autoscaler, this.#settings.autoscalerTolerance),
      now: this.#context.now,
      cpuInitializationMs: this.#settings.cpuInitializationMs,
      initialReadinessMs: this.#settings.initialReadinessMs,
    }
  }
}

type Asked =
  | { readonly replicas: number; readonly metric: string; readonly statuses: readonly MetricStatus[] }
  | { readonly replicas: undefined; readonly failure: string; readonly statuses: readonly MetricStatus[] }

function rescaleReason(desired: number, current: number, metric: string): string {
  if (desired > current) return `${metric} above target`
  return desired < current ? 'All metrics below target' : ''
}

function tolerancesOf({ spec: { behavior } }: HorizontalPodAutoscaler, usualTolerance: number): Tolerances {
  const given = (text: string | undefined) => (text === undefined ? usualTolerance : parseQuantity(text).toNumber())
  return { up: given(behavior?.scaleUp?.tolerance), down: given(behavior?.scaleDown?.tolerance) }
}

const messageOf = (error: unknown): string => {
  if (error instanceof ApiError) return error.message
  throw error
}
