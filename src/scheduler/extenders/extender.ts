import type { Node } from '../../kinds/core/node.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { type Network, NetworkError, type OutgoingTls } from '../../world/world.ts'
import { type ExtenderConfiguration, timeoutMsOf } from './settings.ts'

/** An extender that could not be asked, or gave no answer that makes sense. */
export class ExtenderError extends Error {}

export interface Filtered {
  /** Names of the nodes that are left. */
  readonly fitting: ReadonlySet<string>
  /** Node → why not. */
  readonly refused: ReadonlyMap<string, { readonly reason: string; readonly preemptible: boolean }>
}

/** Node → who has to go. */
export type Victims = ReadonlyMap<string, { readonly pods: readonly Pod[]; readonly violations: number }>

/** What an extender may answer at most: all nodes, whole. */
const answerBytesMax = 256 * 1024 * 1024

/** A program of somebody else's that is asked over HTTP, in the JSON of `k8s.io/kube-scheduler/extender/v1`. */
export class Extender {
  readonly #settings: ExtenderConfiguration
  readonly #network: Network | undefined
  readonly #timeoutMs: number
  readonly #tls: OutgoingTls
  readonly #managed: ReadonlySet<string>

  constructor(settings: ExtenderConfiguration, network: Network | undefined) {
    this.#settings = settings
    this.#network = network
    this.#timeoutMs = timeoutMsOf(settings)
    this.#tls = tlsOf(settings)
    this.#managed = new Set(settings.managedResources?.map(({ name }) => name))
  }

  get name(): string {
    return this.#settings.urlPrefix
  }

  /** Whether pods are placed without it when it cannot be asked. */
  get isIgnorable(): boolean {
    return this.#settings.ignorable === true
  }

  get weight(): number {
    return this.#settings.prioritizeVerb ? Number(this.#settings.weight ?? 0) : 0
  }

  get filters(): boolean {
    return Boolean(this.#settings.filterVerb)
  }

  get ranks(): boolean {
    return Boolean(this.#settings.prioritizeVerb)
  }

  get binds(): boolean {
    return Boolean(this.#settings.bindVerb)
  }

  get preempts(): boolean {
    return Boolean(this.#settings.preemptVerb)
  }

  /** Whether the pod wants something that the extender looks after; an extender of nothing looks after all pods. */
  isInterestedIn({ spec }: Pod): boolean {
    if (this.#managed.size === 0) return true
    return [...spec.containers, ...(spec.initContainers ?? [])].some(({ resources }) =>
      [...Object.keys(resources?.requests ?? {}), ...Object.keys(resources?.limits ?? {})].some((name) =>
        this.#managed.has(name),
      ),
    )
  }

  /** @throws ExtenderError */
  async filter(pod: Pod, nodes: readonly Node[], signal: AbortSignal): Promise<Filtered> {
    const answer = await this.#ask(this.#settings.filterVerb!, this.#aboutNodes(pod, nodes), signal)
    const result = recordOf(answer)
    if (result['Error'] ?? result['error']) throw new ExtenderError(String(result['Error'] ?? result['error']))
    const asked = new Set(nodes.map(({ metadata }) => metadata.name!))
    const names = field(result, 'NodeNames')
    const given = this.#settings.nodeCacheCapable && Array.isArray(names) ? names : namesOf(field(result, 'Nodes'))
    for (const name of given)
      if (!asked.has(String(name)))
        throw new ExtenderError(
          `extender ${JSON.stringify(this.name)} claims a filtered node ${JSON.stringify(name)} which is not found in the input node list`,
        )
    const refused = new Map<string, { reason: string; preemptible: boolean }>()
    const note = (member: string, preemptible: boolean) => {
      for (const [name, reason] of Object.entries(recordOf(field(result, member))))
        refused.set(name, { reason: String(reason), preemptible })
    }
    note('FailedNodes', true)
    // Said to be both: nothing that others do helps.
    note('FailedAndUnresolvableNodes', false)
    return { fitting: new Set(given.map(String)), refused }
  }

  /**
   * Node → score, from 0 to 10.
   * @throws ExtenderError
   */
  async rank(pod: Pod, nodes: readonly Node[], signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
    const answer = await this.#ask(this.#settings.prioritizeVerb!, this.#aboutNodes(pod, nodes), signal)
    if (!Array.isArray(answer)) throw new ExtenderError('the answer is no list of scores')
    return new Map(
      answer.map(recordOf).map((entry) => {
        const score = Number(field(entry, 'Score') ?? 0)
        return [String(field(entry, 'Host')), Number.isFinite(score) ? score : 0]
      }),
    )
  }

  /** @throws ExtenderError */
  async bind({ metadata }: Pod, node: string, signal: AbortSignal): Promise<void> {
    const { name: PodName, namespace: PodNamespace, uid: PodUID } = metadata
    const answer = await this.#ask(this.#settings.bindVerb!, { PodName, PodNamespace, PodUID, Node: node }, signal)
    const error = field(recordOf(answer), 'Error')
    if (error) throw new ExtenderError(String(error))
  }

  /**
   * Which of these nodes are left, and who has to go there.
   * @throws ExtenderError
   */
  async preempt(pod: Pod, victims: Victims, signal: AbortSignal): Promise<Victims> {
    const meta = this.#settings.nodeCacheCapable === true
    const said = [...victims].map(([node, { pods, violations }]) => [
      node,
      { Pods: meta ? pods.map(({ metadata }) => ({ UID: metadata.uid })) : pods, NumPDBViolations: violations },
    ])
    const question = { Pod: pod, [meta ? 'NodeNameToMetaVictims' : 'NodeNameToVictims']: Object.fromEntries(said) }
    const answer = recordOf(await this.#ask(this.#settings.preemptVerb!, question, signal))
    const left = Object.entries(recordOf(field(answer, 'NodeNameToMetaVictims')))
    return new Map(left.map(([node, entry]) => [node, this.#victimsOn(node, recordOf(entry), victims)]))
  }

  #victimsOn(node: string, entry: Record<string, unknown>, offered: Victims) {
    const known = offered.get(node)
    if (!known) throw new ExtenderError(`nodeinfo not found for node name ${JSON.stringify(node)}`)
    const list = field(entry, 'Pods')
    const pods = (Array.isArray(list) ? list : []).map((one) => {
      const uid = String(field(recordOf(one), 'UID'))
      const pod = known.pods.find(({ metadata }) => metadata.uid === uid)
      if (pod) return pod
      throw new ExtenderError(
        `extender: ${this.name} claims to preempt pod (UID: ${uid}) on node: ${node}, but the pod is not found on that node`,
      )
    })
    return { pods, violations: Number(field(entry, 'NumPDBViolations') ?? 0) }
  }

  #aboutNodes(pod: Pod, nodes: readonly Node[]): object {
    if (this.#settings.nodeCacheCapable) return { Pod: pod, NodeNames: nodes.map(({ metadata }) => metadata.name) }
    return { Pod: pod, Nodes: { metadata: {}, items: nodes } }
  }

  async #ask(verb: string, question: object, signal: AbortSignal): Promise<unknown> {
    const url = `${this.name.replace(/\/+$/, '')}/${verb}`
    if (!this.#network) throw new ExtenderError(`Post ${JSON.stringify(url)}: this scheduler has no network`)
    try {
      const answer = await this.#network.request({
        url,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(question),
        timeoutMs: this.#timeoutMs,
        tls: this.#tls,
        signal,
      })
      const text = await answer.text(answerBytesMax)
      if (answer.status !== 200)
        throw new ExtenderError(`failed ${verb} with extender at URL ${url}, code ${answer.status}`)
      return JSON.parse(text) as unknown
    } catch (error) {
      if (error instanceof NetworkError) throw new ExtenderError(`Post ${JSON.stringify(url)}: ${error.message}`)
      if (error instanceof SyntaxError) throw new ExtenderError(`Post ${JSON.stringify(url)}: ${error.message}`)
      throw error
    }
  }
}

function tlsOf({ tlsConfig: tls = {}, enableHTTPS }: ExtenderConfiguration): OutgoingTls {
  const decoded = (data: string | undefined) => data && Buffer.from(data, 'base64').toString()
  const [ca, clientCertificate, clientKey] = [tls.caData, tls.certData, tls.keyData].map(decoded)
  return {
    // Who only says that it is TLS has no authority to check it against.
    ...((tls.insecure || (enableHTTPS && !ca)) && { skipServerVerification: true }),
    ...(ca && { ca }),
    ...(clientCertificate && clientKey && { clientCertificate, clientKey }),
    ...(tls.serverName && { serverName: tls.serverName }),
  }
}

const recordOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}

/** Members are found however they are written: Go reads them so, and programs write `nodeNames` as well as `NodeNames`. */
function field(record: Record<string, unknown>, name: string): unknown {
  if (Object.hasOwn(record, name)) return record[name]
  const wanted = name.toLowerCase()
  for (const key of Object.keys(record)) if (key.toLowerCase() === wanted) return record[key]
  return undefined
}

function namesOf(nodes: unknown): unknown[] {
  const items = field(recordOf(nodes), 'items')
  return (Array.isArray(items) ? items : []).map((node) => recordOf(field(recordOf(node), 'metadata'))['name'])
}
