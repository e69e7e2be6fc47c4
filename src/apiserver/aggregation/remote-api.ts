import type { APIService } from '../../kinds/apiregistration/api-service.ts'
import { equalJson } from '../../schema/freeze.ts'
import { ApiError } from '../../schema/status.ts'
import { type Clock, type IncomingAnswer, NetworkError } from '../../world/world.ts'
import { checkAvailability, type Verdict } from './availability.ts'
import type { RemoteParts, RemoteTarget } from './remote.ts'
import { targetOf } from './remote.ts'
import { type RemoteResources, resourcesOf } from './remote-discovery.ts'
import { askFor, type DocumentRequest, fetchDocument, type RemoteDocument } from './remote-document.ts'

/** Whom a remote API tells of what it finds out. */
export interface RemoteObserver {
  /** Discovery has to be told anew. */
  changed(): void
  /** Something in here is wrong; it goes on. */
  failed(error: unknown): void
  /** What the condition `Available` has to say from now on. */
  say(verdict: Verdict): Promise<void>
}

/** How often a server is asked whether it is still there, and how soon after it was not. */
const checkIntervalMs = 30_000
const firstRetryMs = 1000

/** A version of a group that another server answers. It looks by itself whether that server can be asked. */
export class RemoteApi {
  readonly #parts: RemoteParts & { readonly clock: Clock; readonly signal: AbortSignal }
  readonly #observer: RemoteObserver
  readonly #stop = new AbortController()
  #service: APIService
  #verdict: Verdict | undefined
  #resources: RemoteResources | undefined
  #isFresh = false
  #specV2: RemoteDocument | undefined
  #indexV3: RemoteDocument | undefined
  #isChecking = false
  #isAskedAgain = false
  #failures = 0
  #cancelTimer: (() => void) | undefined

  constructor(
    service: APIService,
    parts: RemoteParts & { readonly clock: Clock; readonly signal: AbortSignal },
    observer: RemoteObserver,
  ) {
    this.#service = service
    this.#parts = parts
    this.#observer = observer
    // What was found out before this server began holds until it looks itself.
    this.#verdict = service.status.conditions?.find(({ type }) => type === 'Available')
    this.check()
  }

  get group(): string {
    return this.#service.spec.group ?? ''
  }

  get version(): string {
    return this.#service.spec.version ?? ''
  }

  get isAvailable(): boolean {
    return this.#verdict?.status === 'True'
  }

  /** What it serves, as it last said; undefined: it never did. */
  get resources(): RemoteResources | undefined {
    return this.#resources
  }

  /** Whether it could be asked the last time. */
  get isFresh(): boolean {
    return this.#isFresh
  }

  /** Its OpenAPI document of version 2, as it was last read. */
  get specV2(): unknown {
    return this.#specV2?.content
  }

  /** Where it has the OpenAPI document of version 3 of this version of the group, if it has. */
  get pathV3(): string | undefined {
    const { paths } = (this.#indexV3?.content ?? {}) as { readonly paths?: Readonly<Record<string, unknown>> }
    const { serverRelativeURL } = (paths?.[`apis/${this.group}/${this.version}`] ?? {}) as Readonly<
      Record<string, unknown>
    >
    return typeof serverRelativeURL === 'string' && serverRelativeURL.startsWith('/') ? serverRelativeURL : undefined
  }

  /** Asks it for one of its documents. @throws ApiError, NetworkError when it cannot be asked */
  ask(request: DocumentRequest): Promise<IncomingAnswer> {
    return askFor(this.target(), this.#parts, request)
  }

  isBehind(namespace: string | undefined, name: string | undefined): boolean {
    const { service } = this.#service.spec
    return service?.namespace === namespace && service?.name === name
  }

  /** @throws ApiError when the service has nobody who could be asked */
  target(): RemoteTarget {
    return targetOf(this.#service, this.#parts)
  }

  update(service: APIService): void {
    const isSame = equalJson(service.spec, this.#service.spec)
    this.#service = service
    if (isSame) return
    this.#failures = 0
    this.check()
  }

  stop(): void {
    this.#stop.abort()
    this.#cancelTimer?.()
  }

  /** Looks now; when it is looking already, once more after that. */
  check(): void {
    this.#isAskedAgain = true
    if (this.#isChecking) return
    this.#isChecking = true
    this.#cancelTimer?.()
    void this.#checkUntilSettled()
      .catch((error: unknown) => this.#observer.failed(error))
      .finally(() => {
        this.#isChecking = false
        if (!this.#isStopped) this.#checkLater()
      })
  }

  get #isStopped(): boolean {
    return this.#stop.signal.aborted || this.#parts.signal.aborted
  }

  async #checkUntilSettled(): Promise<void> {
    // Events that come together are one reason to look, not many.
    await null
    while (this.#isAskedAgain && !this.#isStopped) {
      this.#isAskedAgain = false
      await this.#checkOnce()
    }
  }

  async #checkOnce(): Promise<void> {
    const signal = AbortSignal.any([this.#stop.signal, this.#parts.signal])
    const { verdict, resources } = await checkAvailability(this.#service, this.#parts, signal)
    if (this.#isStopped) return
    const isAvailable = verdict.status === 'True'
    this.#failures = isAvailable ? 0 : this.#failures + 1
    this.#verdict = verdict
    this.#learn(isAvailable, isAvailable ? resourcesOf(resources, this.group, this.version) : undefined)
    await this.#observer.say(verdict)
    if (isAvailable) await this.#readSpecs(signal)
  }

  /** Servers without such documents, or with ones that cannot be read, are left out of ours. */
  async #readSpecs(signal: AbortSignal): Promise<void> {
    try {
      const target = this.target()
      const specV2 = await fetchDocument(target, this.#parts, '/openapi/v2', this.#specV2, signal)
      const indexV3 = await fetchDocument(target, this.#parts, '/openapi/v3', this.#indexV3, signal)
      const isSame = specV2?.text === this.#specV2?.text && indexV3?.text === this.#indexV3?.text
      this.#specV2 = specV2
      this.#indexV3 = indexV3
      if (!isSame && !this.#isStopped) this.#observer.changed()
    } catch (error) {
      if (!(error instanceof NetworkError || error instanceof ApiError || signal.aborted)) throw error
    }
  }

  #learn(isFresh: boolean, resources: RemoteResources | undefined): void {
    const known = resources ?? this.#resources
    if (isFresh === this.#isFresh && equalJson(known ?? null, this.#resources ?? null)) return
    this.#isFresh = isFresh
    this.#resources = known
    this.#observer.changed()
  }

  #checkLater(): void {
    const delay = this.#failures === 0 ? checkIntervalMs : firstRetryMs * 2 ** Math.min(this.#failures - 1, 5)
    this.#cancelTimer = this.#parts.clock.timer(Math.min(delay, checkIntervalMs), () => this.check())
  }
}
