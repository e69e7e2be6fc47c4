import { DecodeError, decode } from '../schema/decode.ts'
import type { Infer } from '../schema/types.ts'
import { parseYamlBody } from '../schema/yaml.ts'
import {
  type PluginSet,
  type Plugins,
  pluginArguments,
  SchedulerConfiguration,
  type SchedulerProfile,
} from './configuration-types.ts'
import { type ExtenderConfiguration, faultIn } from './extenders/settings.ts'
import type { Plugin } from './plugin.ts'
import { makeDefaultPlugins, type PluginArguments } from './plugins/index.ts'
import { defaultPreemption, defaultSchedulerName, type PreemptionLimits, type Profile } from './profile.ts'
import { type BackOffLimits, usualBackOff } from './queue.ts'

/** How a scheduler works that is told by a file. */
export interface SchedulerSettings {
  readonly profiles: readonly Profile[]
  readonly backOff: BackOffLimits
  /** Programs that are asked beside the plugins. */
  readonly extenders: readonly ExtenderConfiguration[]
}

/** What cannot be a scheduler's configuration. */
export class ConfigurationError extends Error {}

/**
 * Reads a file of the scheduler's configuration.
 * @throws ConfigurationError
 */
export function parseConfiguration(text: string): SchedulerSettings {
  const body = parseYamlBody(text)
  if (typeof body === 'string') throw new ConfigurationError(body)
  const [problem] = body.problems
  if (problem) throw new ConfigurationError(problem)
  return readConfiguration(body.value)
}

const apiVersion = 'kubescheduler.config.k8s.io/v1'
const kind = 'KubeSchedulerConfiguration'

/** Names of plugins that are no plugins here, but how this scheduler works; they cannot be switched off. */
const builtIn: readonly string[] = ['PrioritySort', 'SchedulingGates', 'DefaultBinder']
const preemptionName = 'DefaultPreemption'
/** Points that every profile has by its plugins as a whole. */
const wholePoints = [
  'preFilter',
  'preScore',
  'reserve',
  'permit',
  'preBind',
  'bind',
  'postBind',
  'preEnqueue',
  'queueSort',
] as const

/**
 * What a `KubeSchedulerConfiguration` describes; `value` is as what its YAML says.
 * @throws ConfigurationError with the place of what is wrong
 */
export function readConfiguration(value: unknown): SchedulerSettings {
  const configuration = understood('', () => decode(SchedulerConfiguration, value, { mode: 'Strict' }).object)
  if (configuration.kind !== kind || configuration.apiVersion !== apiVersion)
    throw new ConfigurationError(
      `no kind ${JSON.stringify(configuration.kind ?? '')} is registered for version ${JSON.stringify(configuration.apiVersion ?? '')}: want ${kind} of ${apiVersion}`,
    )
  const extenders = (configuration.extenders ?? []) as readonly ExtenderConfiguration[]
  const fault = faultIn(extenders)
  if (fault !== undefined) throw new ConfigurationError(fault)
  const ignored = extenders.flatMap(({ managedResources = [] }) =>
    managedResources.filter(({ ignoredByScheduler }) => ignoredByScheduler).map(({ name }) => name),
  )
  const profiles = configuration.profiles?.length ? configuration.profiles : [{}]
  const made = profiles.map((profile, at) =>
    profileFrom(profile as SchedulerProfile, `profiles[${at}]`, configuration.percentageOfNodesToScore, ignored),
  )
  const names = made.map(({ schedulerName }) => schedulerName)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw new ConfigurationError(`profiles: Duplicate value: ${JSON.stringify(twice)}`)
  return {
    profiles: made,
    extenders,
    backOff: {
      initialMs: 1000 * (configuration.podInitialBackoffSeconds ?? usualBackOff.initialMs / 1000),
      longestMs: 1000 * (configuration.podMaxBackoffSeconds ?? usualBackOff.longestMs / 1000),
    },
  }
}

/** `ignored`: resources that extenders look after. */
function profileFrom(
  given: SchedulerProfile,
  path: string,
  percentage: number | undefined,
  ignored: readonly string[],
): Profile {
  const percentageOfNodesToScore = given.percentageOfNodesToScore ?? percentage ?? 0
  if (percentageOfNodesToScore < 0 || percentageOfNodesToScore > 100)
    throw new ConfigurationError(
      `${path}.percentageOfNodesToScore: Invalid value: ${percentageOfNodesToScore}: not in valid range [0-100]`,
    )
  const args = argumentsFrom(given, path)
  const ignoredResources = [...(args.fit?.ignoredResources ?? []), ...ignored]
  const all = makeDefaultPlugins({ ...args, fit: { ...args.fit, ignoredResources } })
  const plugins = given.plugins ?? {}
  checkNames(plugins, all, `${path}.plugins`)
  const atAll = chosen(all, plugins.multiPoint)
  const filters = new Set(chosen(atAll, plugins.filter, all))
  const scorers = new Set(chosen(atAll, plugins.score, all))
  const weights = weightsFrom(plugins)
  const taking = all
    .filter((plugin) => (filters.has(plugin) && plugin.filter) || (scorers.has(plugin) && plugin.scorer))
    .map((plugin) => limited(plugin, filters.has(plugin), scorers.has(plugin)))
  return {
    schedulerName: given.schedulerName || defaultSchedulerName,
    plugins: taking,
    weights: new Map(
      taking.flatMap((plugin) => (weights.has(plugin.name) ? [[plugin, weights.get(plugin.name)!]] : [])),
    ),
    preempts:
      isOn(plugins.postFilter) ||
      (!isOff(plugins.postFilter) && (!isOff(plugins.multiPoint) || isOn(plugins.multiPoint))),
    preemption: args.preemption ?? defaultPreemption,
    percentageOfNodesToScore,
  }
}

/** The plugins that a set leaves on, and those of `others` that it switches on. */
function chosen(on: readonly Plugin[], set: PluginSet | undefined, others: readonly Plugin[] = on): Plugin[] {
  const off = new Set(set?.disabled?.map(({ name }) => name))
  const enabled = new Set(set?.enabled?.map(({ name }) => name))
  return others.filter(
    (plugin) => enabled.has(plugin.name) || (on.includes(plugin) && !off.has('*') && !off.has(plugin.name)),
  )
}

function limited(plugin: Plugin, filters: boolean, scores: boolean): Plugin {
  if (filters && scores) return plugin
  const { filter, scorer, narrow, ...rest } = plugin
  return {
    ...rest,
    ...(filters && filter && { filter }),
    ...(filters && narrow && { narrow }),
    ...(scores && scorer && { scorer }),
  }
}

function weightsFrom(plugins: Partial<Plugins>): Map<string, number> {
  const given = [...(plugins.multiPoint?.enabled ?? []), ...(plugins.score?.enabled ?? [])]
  return new Map(given.flatMap(({ name, weight }) => (weight ? [[name, weight]] : [])))
}

const isOff = (set: PluginSet | undefined) =>
  set?.disabled?.some(({ name }) => name === '*' || name === preemptionName) ?? false
const isOn = (set: PluginSet | undefined) => set?.enabled?.some(({ name }) => name === preemptionName) ?? false

function checkNames(plugins: Partial<Plugins>, all: readonly Plugin[], path: string): void {
  const known = new Set([...all.map(({ name }) => name), ...builtIn, preemptionName])
  for (const [point, set] of Object.entries(plugins) as [keyof Plugins, PluginSet][]) {
    for (const { name } of set.enabled ?? [])
      if (!known.has(name))
        throw new ConfigurationError(`${path}.${point}: plugin ${JSON.stringify(name)} does not exist`)
    const isPartial = (wholePoints as readonly string[]).includes(point)
    for (const { name } of set.disabled ?? []) {
      if (builtIn.includes(name) || (isPartial && name !== '*'))
        throw new ConfigurationError(
          `${path}.${point}: ${JSON.stringify(name)} cannot be switched off there; multiPoint, filter, score and postFilter can be limited`,
        )
    }
  }
}

function argumentsFrom(
  { pluginConfig = [] }: SchedulerProfile,
  path: string,
): PluginArguments & { preemption?: PreemptionLimits } {
  const read = <N extends keyof typeof pluginArguments>(name: N): Partial<Infer<(typeof pluginArguments)[N]>> => {
    const at = pluginConfig.findIndex((config) => config.name === name)
    const type = pluginArguments[name]
    return understood(
      `${path}.pluginConfig[${at}].args: `,
      () => decode(type, pluginConfig[at]?.args ?? {}, { mode: 'Strict' }).object,
    ) as Partial<Infer<(typeof pluginArguments)[N]>>
  }
  const { minCandidateNodesAbsolute, minCandidateNodesPercentage } = read('DefaultPreemption')
  const balanced = read('NodeResourcesBalancedAllocation')
  const spread = read('PodTopologySpread')
  const volumes = read('VolumeBinding')
  return {
    fit: read('NodeResourcesFit') as PluginArguments['fit'],
    balanced: balanced.resources?.length ? balanced.resources.map(({ name }) => name) : undefined,
    spread,
    podAffinity: read('InterPodAffinity'),
    addedAffinity: read('NodeAffinity').addedAffinity,
    bindTimeoutSeconds: volumes.bindTimeoutSeconds,
    volumeShape: volumes.shape,
    preemption: {
      minCandidateNodesPercentage: minCandidateNodesPercentage ?? defaultPreemption.minCandidateNodesPercentage,
      minCandidateNodesAbsolute: minCandidateNodesAbsolute ?? defaultPreemption.minCandidateNodesAbsolute,
    },
  }
}

function understood<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof DecodeError || error instanceof Error) throw new ConfigurationError(`${path}${error.message}`)
    throw error
  }
}
