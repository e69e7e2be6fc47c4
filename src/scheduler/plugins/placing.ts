import type { Pod } from '../../kinds/core/pod.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import type { ClusterState } from '../cluster-state.ts'
import { clusterOf } from '../fixtures.ts'
import { Nowhere, nothingToSay, type Plugin } from '../plugin.ts'
import { podState } from '../pod-state.ts'

/** For tests: `a:yes b:why not`, what a plugin says of each node; `nowhere: …` when it refuses all. */
export function verdicts(
  plugin: Plugin,
  pod: Pod,
  state: ClusterState,
  objects: readonly (readonly [Kind, ...ApiObject[]])[] = [],
): string {
  const prepared = plugin.prepare?.(pod, clusterOf(state, objects))
  if (prepared instanceof Nowhere) return `nowhere: ${prepared.reason}`
  const say = (name: string, reasons: readonly string[] = ['yes']) => `${name}:${reasons.join(', ')}`
  if (prepared === nothingToSay) return state.nodes.map(({ name }) => say(name)).join(' ')
  return state.nodes.map((node) => say(node.name, plugin.filter?.(podState(pod), node, prepared)?.reasons)).join(' ')
}

/** For tests: the plugin's scores of all nodes, made comparable as it says. */
export function scores(
  plugin: Plugin,
  pod: Pod,
  state: ClusterState,
  objects: readonly (readonly [Kind, ...ApiObject[]])[] = [],
): Record<string, number> | undefined {
  const cluster = clusterOf(state, objects)
  const prepared = plugin.prepare?.(pod, cluster)
  if (prepared === nothingToSay || prepared instanceof Nowhere) return undefined
  const scorer = plugin.scorer?.(podState(pod), state.nodes, prepared, cluster)
  if (!scorer) return undefined
  const numbers = Float64Array.from(state.nodes, (node) => scorer(node))
  if (typeof plugin.best === 'function') plugin.best(numbers)
  return Object.fromEntries(state.nodes.map(({ name }, at) => [name, numbers[at]!]))
}
