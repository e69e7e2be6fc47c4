import type { Client, ListOptions } from '../../client/client.ts'
import { DaemonSet } from '../../kinds/apps/daemon-set.ts'
import { Pod } from '../../kinds/core/pod.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import { isNotFound } from '../../schema/status.ts'
import type { DrainOptions, DrainTools } from './options.ts'

/** The pods of a node, sorted by what a drain does with them. The rules and words are those of kubectl's filters. */
export interface Selection {
  /** Those that go. */
  readonly going: readonly Pod[]
  /** Those that stay, because they would come back at once or are none of the API's. */
  readonly staying: readonly Pod[]
  /** What is done all the same, and to which pods: `ignoring DaemonSet-managed Pods` → pods. */
  readonly warnings: ReadonlyMap<string, readonly Pod[]>
  /** Why nothing may be done, and because of which pods: `cannot delete Pods with …` → pods. */
  readonly refusals: ReadonlyMap<string, readonly Pod[]>
  /** From where on a watch misses nothing. */
  readonly resourceVersion: string
}

type Verdict =
  | { readonly type: 'goes' | 'stays'; readonly warning?: string }
  | { readonly type: 'refused'; readonly why: string }

const goes: Verdict = { type: 'goes' }
const stays: Verdict = { type: 'stays' }

/** What is refused, by the flag that allows it. */
export const refusalOf = {
  'ignore-daemonsets': 'cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)',
  'delete-emptydir-data': 'cannot delete Pods with local storage (use --delete-emptydir-data to override)',
  force: 'cannot delete Pods that declare no controller (use --force to override)',
} as const

/** Throws what the client throws. */
export async function selectPods(node: string, options: DrainOptions, tools: DrainTools): Promise<Selection> {
  const { items, resourceVersion } = await listAll(tools.client, Pod, {
    fieldSelector: `spec.nodeName=${node}`,
    ...(options.podSelector !== '' && { labelSelector: options.podSelector }),
    ...(options.chunkSize > 0 && { limit: options.chunkSize }),
  })
  const daemonSets = new Map<string, Promise<string | undefined>>()
  const verdicts = await Promise.all(
    items.map(async (pod) => ({ pod, verdict: await judge(pod, options, tools, daemonSets) })),
  )
  const warnings = new Map<string, Pod[]>()
  const refusals = new Map<string, Pod[]>()
  for (const { pod, verdict } of verdicts) {
    if (verdict.type === 'refused') add(refusals, verdict.why, pod)
    else if (verdict.warning !== undefined) add(warnings, verdict.warning, pod)
  }
  const ofType = (type: Verdict['type']) => verdicts.flatMap(({ pod, verdict }) => (verdict.type === type ? [pod] : []))
  return { going: ofType('goes'), staying: ofType('stays'), warnings, refusals, resourceVersion }
}

async function judge(
  pod: Pod,
  options: DrainOptions,
  { client, clock }: DrainTools,
  daemonSets: Map<string, Promise<string | undefined>>,
): Promise<Verdict> {
  if (isGivenUp(pod, options.skipWaitForDeleteTimeoutSeconds, clock.now())) return stays
  const owner = controllerOf(pod)
  if (owner?.kind === 'DaemonSet' && !hasEnded(pod)) {
    const missing = await onceEach(daemonSets, `${pod.metadata.namespace}/${owner.name}`, () =>
      whyMissing(client, pod.metadata.namespace!, owner.name),
    )
    if (missing === undefined) {
      if (!options.ignoreDaemonSets) return { type: 'refused', why: refusalOf['ignore-daemonsets'] }
      return { type: 'stays', warning: 'ignoring DaemonSet-managed Pods' }
    }
    if (!options.force) return { type: 'refused', why: `cannot delete ${missing}` }
  }
  if (isMirror(pod)) return stays
  if (hasEnded(pod)) return goes
  if (hasLocalStorage(pod) && !options.deleteEmptyDirData)
    return { type: 'refused', why: refusalOf['delete-emptydir-data'] }
  if (owner) return goes
  if (!options.force) return { type: 'refused', why: refusalOf.force }
  return { type: 'goes', warning: 'deleting Pods that declare no controller' }
}

/** Nothing when the DaemonSet is there. */
async function whyMissing(client: Client, namespace: string, name: string): Promise<string | undefined> {
  try {
    await client.get(DaemonSet, { namespace, name })
    return undefined
  } catch (error) {
    if (isNotFound(error)) return (error as Error).message
    throw error
  }
}

/** Whether nobody waits for the pod any more: it should have been gone so long ago. */
export function isGivenUp({ metadata }: Pod, afterSeconds: number, nowMs: number): boolean {
  if (afterSeconds === 0 || metadata.deletionTimestamp === undefined) return false
  return Math.trunc((nowMs - Date.parse(metadata.deletionTimestamp)) / 1000) > afterSeconds
}

export const controllerOf = ({ metadata }: ApiObject) => metadata.ownerReferences?.find(({ controller }) => controller)

export const hasEnded = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed'

/** Of a file on the node: it cannot be deleted through the API. */
export const isMirror = ({ metadata }: Pod): boolean =>
  metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined

export const hasLocalStorage = ({ spec }: Pod): boolean =>
  spec.volumes?.some(({ emptyDir }) => emptyDir !== undefined) ?? false

/** `namespace/name`. */
export const nameOf = ({ metadata }: ApiObject): string => `${metadata.namespace}/${metadata.name}`

/** A list to its end, in pieces where `limit` asks for them. */
export async function listAll<T extends ApiObject>(
  client: Client,
  kind: Kind<T>,
  options: ListOptions,
): Promise<{ readonly items: readonly T[]; readonly resourceVersion: string }> {
  const items: T[] = []
  for (let token: string | undefined; ; ) {
    const page = await client.list(kind, { ...options, ...(token !== undefined && { continue: token }) })
    items.push(...page.items)
    token = page.continue
    if (token === undefined) return { items, resourceVersion: page.resourceVersion }
  }
}

function onceEach<T>(known: Map<string, Promise<T>>, key: string, find: () => Promise<T>): Promise<T> {
  let found = known.get(key)
  if (!found) {
    found = find()
    known.set(key, found)
  }
  return found
}

function add(lists: Map<string, Pod[]>, key: string, pod: Pod): void {
  const list = lists.get(key)
  if (list) list.push(pod)
  else lists.set(key, [pod])
}
