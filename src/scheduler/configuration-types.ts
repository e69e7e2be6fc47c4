import { NodeAffinity, TopologySpreadConstraint } from '../kinds/core/scheduling.ts'
import {
  bool,
  explicit,
  type Infer,
  int32,
  int64,
  json,
  list,
  object,
  oneOf,
  optional,
  rawObject,
  required,
  string,
} from '../schema/types.ts'
import { ExtenderConfiguration } from './extenders/settings.ts'

const prefix = 'io.k8s.kube-scheduler.config.v1'

const PluginReference = object(`${prefix}.Plugin`, 'A plugin by name.', {
  name: required(1, string, 'Name of the plugin; `*` means all, where plugins are switched off.'),
  weight: optional(2, int32, 'How much its scores count.'),
})

const PluginSet = object(`${prefix}.PluginSet`, 'Plugins that are switched on or off.', {
  enabled: optional(1, list(PluginReference), 'Plugins beside those that are on by default.'),
  disabled: optional(2, list(PluginReference), 'Plugins that are on by default and are not to be.'),
})
export interface PluginSet extends Infer<typeof PluginSet> {}

const pluginSet = (number: number, point: string) => optional(number, PluginSet, `Plugins ${point}.`)

const Plugins = object(`${prefix}.Plugins`, 'Which plugins take part in what.', {
  preEnqueue: pluginSet(1, 'that say whether a pod is ready to be placed'),
  queueSort: pluginSet(2, 'that say which pod is next'),
  preFilter: pluginSet(3, 'that look at the pod before any node'),
  filter: pluginSet(4, 'that refuse nodes'),
  postFilter: pluginSet(5, 'that help when no node is left'),
  preScore: pluginSet(6, 'that prepare scores'),
  score: pluginSet(7, 'that rank nodes'),
  reserve: pluginSet(8, 'that set something aside for a pod'),
  permit: pluginSet(9, 'that delay or refuse a binding'),
  preBind: pluginSet(10, 'that work before the binding'),
  bind: pluginSet(11, 'that bind'),
  postBind: pluginSet(12, 'that work after the binding'),
  multiPoint: pluginSet(13, 'in everything that they can do'),
})
export interface Plugins extends Infer<typeof Plugins> {}

const PluginConfig = object(`${prefix}.PluginConfig`, 'Arguments of a plugin.', {
  name: required(1, string, 'Name of the plugin.'),
  args: explicit(2, rawObject, 'Its arguments.'),
})

const SchedulerProfile = object(`${prefix}.KubeSchedulerProfile`, 'How pods of one scheduler name are placed.', {
  schedulerName: explicit(1, string, 'The name by which pods ask for it.'),
  percentageOfNodesToScore: explicit(2, int32, 'How many fitting nodes are enough, in percent of all.'),
  plugins: explicit(3, Plugins, 'Which plugins take part.'),
  pluginConfig: optional(4, list(PluginConfig), 'Arguments of plugins.'),
})
export interface SchedulerProfile extends Infer<typeof SchedulerProfile> {}

/** What a file of the scheduler's configuration says. What only matters to a process of its own is read and left. */
export const SchedulerConfiguration = object(`${prefix}.KubeSchedulerConfiguration`, 'Configures the scheduler.', {
  kind: optional(1, string, 'KubeSchedulerConfiguration.'),
  apiVersion: optional(2, string, 'kubescheduler.config.k8s.io/v1.'),
  parallelism: explicit(3, int32, 'How many nodes are looked at together.'),
  leaderElection: explicit(4, json, 'How several schedulers agree who works.'),
  clientConnection: explicit(5, json, 'How the API server is reached.'),
  enableProfiling: explicit(6, bool, 'Whether profiles can be taken.'),
  enableContentionProfiling: explicit(7, bool, 'Whether locks are profiled, too.'),
  percentageOfNodesToScore: explicit(8, int32, 'How many fitting nodes are enough, where a profile says nothing.'),
  podInitialBackoffSeconds: explicit(9, int64, 'How long a pod waits after its first failure.'),
  podMaxBackoffSeconds: explicit(10, int64, 'How long a pod waits at most.'),
  profiles: optional(11, list(SchedulerProfile), 'How pods are placed, by the scheduler that they name.'),
  extenders: optional(12, list(ExtenderConfiguration), 'Servers that are asked, too.'),
  delayCacheUntilActive: explicit(13, bool, 'Whether only the leader follows the cluster.'),
})
export interface SchedulerConfiguration extends Infer<typeof SchedulerConfiguration> {}

const typeMeta = {
  kind: optional(1, string, 'Kind of the arguments.'),
  apiVersion: optional(2, string, 'kubescheduler.config.k8s.io/v1.'),
}

const ResourceSpec = object(`${prefix}.ResourceSpec`, 'A resource and how much it counts.', {
  name: required(1, string, 'Name of the resource.'),
  weight: optional(2, int64, 'How much it counts, 1 to 100.'),
})

const UtilizationShapePoint = object(`${prefix}.UtilizationShapePoint`, 'A score for a utilization.', {
  utilization: required(1, int32, 'Utilization in percent.'),
  score: required(2, int32, 'Score from 0 to 10.'),
})

const RatioParam = object(`${prefix}.RequestedToCapacityRatioParam`, 'Scores by utilization.', {
  shape: optional(1, list(UtilizationShapePoint), 'Points of a line, in the order of their utilization.'),
})

const ScoringStrategy = object(`${prefix}.ScoringStrategy`, 'Which nodes are better.', {
  type: explicit(1, oneOf('LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio'), 'Name of the strategy.'),
  resources: optional(2, list(ResourceSpec), 'Resources that count.'),
  requestedToCapacityRatio: explicit(3, RatioParam, 'Scores by utilization.'),
})

/** The arguments of each plugin that has some. */
export const pluginArguments = {
  DefaultPreemption: object(`${prefix}.DefaultPreemptionArgs`, 'How others are driven away.', {
    ...typeMeta,
    minCandidateNodesPercentage: explicit(3, int32, 'Share of the nodes on which it is tried out.'),
    minCandidateNodesAbsolute: explicit(4, int32, 'On how many nodes it is tried out at least.'),
  }),
  InterPodAffinity: object(`${prefix}.InterPodAffinityArgs`, 'How affinity between pods counts.', {
    ...typeMeta,
    hardPodAffinityWeight: explicit(3, int32, 'How much required affinity of placed pods counts as a preference.'),
    ignorePreferredTermsOfExistingPods: optional(4, bool, 'Whether only the pod at hand has preferences.'),
  }),
  NodeAffinity: object(`${prefix}.NodeAffinityArgs`, 'Affinity that all pods have.', {
    ...typeMeta,
    addedAffinity: explicit(3, NodeAffinity, 'Beside what pods say themselves.'),
  }),
  NodeResourcesBalancedAllocation: object(`${prefix}.NodeResourcesBalancedAllocationArgs`, 'What is balanced.', {
    ...typeMeta,
    resources: optional(3, list(ResourceSpec), 'Resources of which shares are compared.'),
  }),
  NodeResourcesFit: object(`${prefix}.NodeResourcesFitArgs`, 'How room is counted.', {
    ...typeMeta,
    ignoredResources: optional(3, list(string), 'Resources that somebody else looks after.'),
    ignoredResourceGroups: optional(4, list(string), 'Groups of such resources.'),
    scoringStrategy: explicit(5, ScoringStrategy, 'Which nodes are better.'),
  }),
  PodTopologySpread: object(`${prefix}.PodTopologySpreadArgs`, 'How pods are spread that say nothing.', {
    ...typeMeta,
    defaultConstraints: optional(3, list(TopologySpreadConstraint), 'Constraints of pods that have none.'),
    defaultingType: explicit(4, oneOf('List', 'System'), 'Whether these, or those built in.'),
  }),
  VolumeBinding: object(`${prefix}.VolumeBindingArgs`, 'How volumes are bound.', {
    ...typeMeta,
    bindTimeoutSeconds: explicit(3, int64, 'How long volumes are waited for.'),
    shape: optional(4, list(UtilizationShapePoint), 'Scores by the utilization of volumes.'),
  }),
} as const
