import { DurationError, parseDuration } from '../../base/duration.ts'
import { own } from '../../base/own.ts'
import type { Container } from '../../kinds/core/containers.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { ContainerError } from '../runtime.ts'
import { type ProbeSort, parseVerdicts, type Verdicts } from './probes.ts'

/** How containers behave whose pods say nothing else. */
export interface SimulatedBehaviour {
  /** From the sandbox to the running container. */
  readonly startMs: number
  /** From running to ready. */
  readonly readyMs: number
  /** From being asked to end until the end. */
  readonly stopMs: number
  /** How long init containers run. */
  readonly initMs: number
  /** How long containers run in pods that restart them never or on failure alone. */
  readonly completeMs: number
}

export const defaultBehaviour: SimulatedBehaviour = {
  startMs: 50,
  readyMs: 0,
  stopMs: 50,
  initMs: 50,
  completeMs: 1000,
}

const prefix = 'simulation.coracle.dev/'

/**
 * What a pod says by annotations, of all its containers (`simulation.coracle.dev/exit-after`) or of one
 * (`simulation.coracle.dev/exit-after.web`); see docs/simulation.md. The newest version of the pod counts, each time
 * that something begins.
 */
export class Script {
  readonly #pod: Pod
  readonly #behaviour: SimulatedBehaviour

  constructor(pod: Pod, behaviour: SimulatedBehaviour) {
    this.#pod = pod
    this.#behaviour = behaviour
  }

  startMs({ name }: Container): number {
    return this.#duration('start-after', name) ?? this.#behaviour.startMs
  }

  readyMs({ name }: Container): number {
    return this.#duration('ready-after', name) ?? this.#behaviour.readyMs
  }

  /** Of the whole pod: it is gone when its last container is. What cannot be read does not keep it from ending. */
  get stopMs(): number {
    try {
      return this.#duration('stop-after') ?? this.#behaviour.stopMs
    } catch {
      return this.#behaviour.stopMs
    }
  }

  /** Throws when the container is not to start, or when what the pod says makes no sense. */
  failure(container: Container): void {
    const { annotations } = this.#pod.metadata
    for (const key in annotations) if (key.startsWith(prefix)) check(key, annotations[key]!)
    const reason = this.#of('fail', container)
    if (reason) throw new ContainerError(reason, `simulated failure of container ${container.name}`)
  }

  /** How long this attempt runs; nothing: until it is stopped. */
  lifetimeMs(container: Container, attempt: number): number | undefined {
    const isInit = isInitContainer(this.#pod, container)
    const isEphemeral = isEphemeralContainer(this.#pod, container)
    const exits = this.#of('exits', container)
    if (exits === undefined || attempt < Number(exits)) {
      const asked = this.#duration('exit-after', container.name, !isInit && !isEphemeral)
      if (asked !== undefined) return asked
    }
    if (isInit) return container.restartPolicy === 'Always' ? undefined : this.#behaviour.initMs
    return isEphemeral || (this.#pod.spec.restartPolicy ?? 'Always') === 'Always'
      ? undefined
      : this.#behaviour.completeMs
  }

  exitCode(container: Container, attempt: number): number {
    const exits = this.#of('exits', container)
    if (exits !== undefined && attempt >= Number(exits)) return 0
    return parseExitCode(this.#of('exit-code', container) ?? '0')
  }

  /** What is said of a probe, over time; nothing: it is well. What cannot be read is as nothing. */
  verdicts(sort: ProbeSort, container: Container): Verdicts | undefined {
    const text = this.#of(sort, container)
    if (text === undefined) return undefined
    try {
      return parseVerdicts(text)
    } catch {
      return undefined
    }
  }

  /** What is said of the pod as a whole is meant neither for its init containers nor for ephemeral ones. */
  #of(what: string, container: Container): string | undefined {
    const isAside = isInitContainer(this.#pod, container) || isEphemeralContainer(this.#pod, container)
    return this.#annotation(what, container.name, !isAside)
  }

  #duration(what: string, container?: string, orOfPod = true): number | undefined {
    const text = this.#annotation(what, container, orOfPod)
    if (text === undefined) return undefined
    try {
      return Math.max(0, parseDuration(text))
    } catch (error) {
      if (!(error instanceof DurationError)) throw error
      throw new ContainerError('CreateContainerError', `${prefix}${what}: ${error.message}`)
    }
  }

  /** What tells a pod from its siblings, who all have the annotations of one template. */
  get #number(): string {
    const { labels = {} } = this.#pod.metadata
    return `index-${labels['batch.kubernetes.io/job-completion-index'] ?? labels['apps.kubernetes.io/pod-index'] ?? ''}`
  }

  #annotation(what: string, container?: string, orOfPod = true): string | undefined {
    const { annotations } = this.#pod.metadata
    if (!annotations) return undefined
    const own = container === undefined ? undefined : annotations[`${prefix}${what}.${container}`]
    return (
      own ?? (orOfPod ? (annotations[`${prefix}${what}.${this.#number}`] ?? annotations[prefix + what]) : undefined)
    )
  }
}

const anything = () => {}

/** What there is to say → what reads it, and throws when it cannot. */
const annotationsOfPods: Readonly<Record<string, (text: string) => unknown>> = {
  'start-after': parseDuration,
  'ready-after': parseDuration,
  'exit-after': parseDuration,
  'exit-code': parseExitCode,
  exits: parseCount,
  fail: anything,
  readiness: parseVerdicts,
  liveness: parseVerdicts,
  startup: parseVerdicts,
  'stop-after': parseDuration,
  // Whoever measures reads them.
  'cpu-usage': anything,
  'memory-usage': anything,
}

function check(key: string, text: string): void {
  const [what = ''] = key.slice(prefix.length).split('.', 1)
  const read = own(annotationsOfPods, what)
  const fail = (fault: string) => {
    throw new ContainerError('CreateContainerError', `${key}: ${fault}`)
  }
  if (!read) return fail(`a pod can say ${Object.keys(annotationsOfPods).join(', ')}`)
  try {
    read(text)
  } catch (error) {
    fail((error as Error).message)
  }
}

function parseExitCode(text: string): number {
  const code = Number(text)
  if (text.trim() !== '' && Number.isInteger(code) && code >= 0 && code <= 255) return code
  throw new Error(`${JSON.stringify(text)} is no exit code`)
}

function parseCount(text: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  throw new Error(`${JSON.stringify(text)} is no number of times`)
}

const isEphemeralContainer = ({ spec }: Pod, { name }: Container) =>
  spec.ephemeralContainers?.some((container) => container.name === name) ?? false

const isInitContainer = ({ spec }: Pod, { name }: Container) =>
  spec.initContainers?.some((container) => container.name === name) ?? false
