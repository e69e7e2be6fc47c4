import { own } from '../base/own.ts'
import { type Amounts, amountOf } from '../kinds/core/amounts.ts'
import type { Node } from '../kinds/core/node.ts'
import { hardEffects, matchesTerm, untolerated } from '../kinds/core/node-fit.ts'
import type { NodeSelectorRequirement } from '../kinds/core/scheduling.ts'
import type { NodeState } from './cluster-state.ts'
import type { Refusal } from './plugin.ts'
import type { PodState } from './pod-state.ts'

/** What would take an objection away, and how hard that is. */
export interface Remedy {
  readonly remedy: string
  readonly effort: number
}

type Find = (pod: PodState, node: NodeState, refusal: Refusal) => Remedy

/** A word to a node; a change of the pod; more than that; what cannot be had at all. */
const effort = { command: 1, podChange: 2, otherPods: 3, machines: 6 } as const

const remedies: Readonly<Record<string, Find>> = {
  NodeUnschedulable: (_pod, { name }) => ({ remedy: `kubectl uncordon ${name}`, effort: effort.command }),

  NodeName: ({ pod }) => ({
    remedy: `there is no other way: the pod names node ${pod.spec.nodeName}`,
    effort: effort.machines,
  }),

  TaintToleration({ pod }, { name, node }) {
    const taints = (node?.spec?.taints ?? []).filter((taint) => untolerated([taint], pod.spec.tolerations, hardEffects))
    const texts = taints.map(({ key, value, effect }) => `${key}${value ? `=${value}` : ''}:${effect}`)
    return {
      remedy: `tolerate ${texts.join(' and ')} in the pod, or: kubectl taint node ${name} ${texts.map((text) => `${text}-`).join(' ')}`,
      effort: effort.podChange * taints.length,
    }
  },

  NodeAffinity({ pod }, { name, node }) {
    const labels = node ? missingLabels(pod.spec, node) : undefined
    if (!labels) return { remedy: 'change the affinity of the pod', effort: effort.podChange }
    return { remedy: `kubectl label node ${name} ${labels.join(' ')}`, effort: effort.command * labels.length }
  },

  NodePorts: ({ hostPorts }) => ({
    remedy: `do without host port ${hostPorts.map((port) => port.split(' ').at(-1)).join(', ')}, or stop the pod that has it`,
    effort: effort.otherPods,
  }),

  NodeResourcesFit(pod, node, { preemptible }) {
    const names = ['pods', 'cpu', 'memory', ...pod.requests.others.keys()]
    const lacking = names.filter((name) => lackOf(name, pod, node) > 0)
    const others = preemptible ? 'or stop other pods there' : 'or add a larger node'
    return {
      remedy: `${lacking.map((name) => lackText(name, pod, node)).join('; ')}; ${others}`,
      effort: lacking.every((name) => amountOf(node.allocatable, name) > 0) ? effort.podChange : effort.machines,
    }
  },

  PodTopologySpread: (_pod, _node, { preemptible }) =>
    preemptible
      ? { remedy: 'let more of its sort run elsewhere first, or raise maxSkew', effort: effort.podChange }
      : { remedy: 'label the node with the topologyKey of the constraint', effort: effort.command },

  InterPodAffinity: (_pod, _node, { reasons }) =>
    reasons[0]?.includes('existing pods')
      ? {
          remedy: 'pods are there that keep away from its labels: move them, or change the labels',
          effort: effort.otherPods,
        }
      : reasons[0]?.includes('anti-affinity')
        ? {
            remedy: 'pods are there from which it keeps away: move them, or relax its anti-affinity',
            effort: effort.otherPods,
          }
        : {
            remedy: 'no pod is there near which it must be: start one, or relax its affinity',
            effort: effort.otherPods,
          },

  VolumeBinding: (_pod, _node, { reasons }) => ({
    remedy: reasons[0]?.includes('find available')
      ? 'make a volume that can be reached from the node, or name a class that makes some'
      : 'its volume is elsewhere: the pod can only go there',
    effort: effort.machines,
  }),
  VolumeZone: () => ({ remedy: 'its volume is in another zone: the pod can only go there', effort: effort.machines }),
  DynamicResources: (_pod, _node, { reasons }) => ({
    remedy: reasons[0]?.includes('not available')
      ? 'its devices are elsewhere: the pod can only go there, or needs another claim'
      : 'the node has no such devices free: free some, or ask for others',
    effort: effort.machines,
  }),
  VolumeRestrictions: () => ({ remedy: 'stop the pod that uses the volume', effort: effort.otherPods }),
  NodeVolumeLimits: () => ({ remedy: 'stop a pod with such a volume on the node', effort: effort.otherPods }),
}

/** What would make a plugin agree to a node that it refused. */
export function remedyFor(plugin: string, pod: PodState, node: NodeState, refusal: Refusal): Remedy {
  return (
    own(remedies, plugin)?.(pod, node, refusal) ?? { remedy: 'nothing that is known here', effort: effort.machines }
  )
}

/** Labels with which the node would be right, where labels alone can do it. */
function missingLabels({ nodeSelector, affinity }: PodState['pod']['spec'], node: Node): string[] | undefined {
  const selected = Object.entries(nodeSelector ?? {}).filter(([key, value]) => own(node.metadata.labels, key) !== value)
  const labels = selected.map(([key, value]) => `${key}=${value}`)
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  if (!terms || terms.some((term) => matchesTerm(node, term))) return labels
  const ways = terms.flatMap(({ matchExpressions, matchFields }) => {
    if (!matchExpressions || (matchFields && !matchesTerm(node, { matchFields }))) return []
    const failing = matchExpressions.filter((one) => !matchesTerm(node, { matchExpressions: [one] }))
    const wanted = failing.map(labelFor)
    return wanted.includes(undefined) ? [] : [wanted as string[]]
  })
  const [shortest] = ways.sort((a, b) => a.length - b.length)
  return shortest && [...labels, ...shortest]
}

function labelFor({ key, operator, values = [] }: NodeSelectorRequirement): string | undefined {
  if (operator === 'In') return `${key}=${values[0]}`
  if (operator === 'Exists') return `${key}=`
  if (operator === 'DoesNotExist') return `${key}-`
  if (operator === 'Gt') return `${key}=${BigInt(values[0] ?? 0) + 1n}`
  if (operator === 'Lt') return `${key}=${BigInt(values[0] ?? 0) - 1n}`
  return `${key}-`
}

const wantedOf = (name: string, { requests }: PodState) => (name === 'pods' ? 1 : amountOf(requests, name))
const freeOn = (name: string, { requested, allocatable }: NodeState) =>
  Math.max(0, amountOf(allocatable, name) - amountOf(requested, name))
const lackOf = (name: string, pod: PodState, node: NodeState) => {
  const wanted = wantedOf(name, pod)
  return wanted === 0 ? 0 : wanted - freeOn(name, node)
}

/** `ask for 1 cpu less (3 asked, 2 of 4 free)`. */
function lackText(name: string, pod: PodState, node: NodeState): string {
  const text = (amount: number) => amountText(name, amount)
  const total = amountOf(node.allocatable, name)
  if (name === 'pods') return `the node is full with ${total} pods`
  const amounts = `${text(wantedOf(name, pod))} asked, ${text(freeOn(name, node))} of ${text(total)} free`
  return `ask for ${text(lackOf(name, pod, node))} ${name} less (${amounts})`
}

const binary = ['', 'Ki', 'Mi', 'Gi', 'Ti'] as const

function amountText(name: keyof Amounts | string, amount: number): string {
  if (name === 'cpu') return amount % 1000 === 0 ? `${amount / 1000}` : `${amount}m`
  if (name !== 'memory' && name !== 'ephemeral-storage') return `${amount}`
  let [value, unit] = [amount, 0]
  while (value >= 1024 && value % 1024 === 0 && unit < binary.length - 1) {
    value /= 1024
    unit++
  }
  return `${value}${binary[unit]}`
}
