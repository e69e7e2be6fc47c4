import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startCluster } from '../cluster/cluster.ts'
import { Event } from '../kinds/core/event.ts'
import { Pod } from '../kinds/core/pod.ts'
import { VirtualWorld } from '../world/virtual.ts'
import { ConfigurationError, parseConfiguration } from './configuration.ts'
import type { Profile } from './profile.ts'

const head = 'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n'
const [usual] = parseConfiguration(head).profiles as [Profile]
const onlyProfile = (text: string) => parseConfiguration(head + text).profiles[0]!
const names = ({ plugins }: Profile) => plugins.map(({ name }) => name)
const without = (...gone: string[]) => names(usual).filter((name) => !gone.includes(name))
const plugin = (profile: Profile, name: string) => profile.plugins.find((plugin) => plugin.name === name)

describe('a configuration', () => {
  test('of nothing is the usual profile', () => {
    assert.equal(usual.schedulerName, 'default-scheduler')
    assert.equal(usual.preempts, true)
    assert.deepEqual(names(usual), [
      'NodeUnschedulable',
      'NodeName',
      'TaintToleration',
      'NodeAffinity',
      'NodePorts',
      'NodeResourcesFit',
      'VolumeRestrictions',
      'NodeVolumeLimits',
      'VolumeBinding',
      'VolumeZone',
      'PodTopologySpread',
      'InterPodAffinity',
      'DynamicResources',
      'NodeResourcesBalancedAllocation',
      'ImageLocality',
    ])
  })

  test('switches plugins off, in all they do or in one thing', () => {
    const multi =
      'profiles:\n- plugins:\n    multiPoint:\n      disabled: [{name: ImageLocality}, {name: DefaultPreemption}]\n'
    assert.deepEqual(names(onlyProfile(multi)), without('ImageLocality'))
    assert.equal(onlyProfile(multi).preempts, false)
    const noScores = onlyProfile('profiles:\n- plugins:\n    score:\n      disabled: [{name: "*"}]\n')
    assert.deepEqual(names(noScores), without('NodeResourcesBalancedAllocation', 'ImageLocality'))
    assert.equal(plugin(noScores, 'NodeResourcesFit')!.scorer, undefined)
    assert.ok(plugin(noScores, 'NodeResourcesFit')!.filter)
    const noFilter = onlyProfile('profiles:\n- plugins:\n    filter:\n      disabled: [{name: TaintToleration}]\n')
    assert.equal(plugin(noFilter, 'TaintToleration')!.filter, undefined)
    assert.ok(plugin(noFilter, 'TaintToleration')!.scorer)
    const noPreemption = onlyProfile('profiles:\n- plugins:\n    postFilter:\n      disabled: [{name: "*"}]\n')
    assert.equal(noPreemption.preempts, false)
  })

  test('weighs scores', () => {
    const text = 'profiles:\n- plugins:\n    score:\n      enabled: [{name: ImageLocality, weight: 7}]\n'
    const profile = onlyProfile(text)
    assert.equal(profile.weights.get(plugin(profile, 'ImageLocality')!), 7)
    assert.equal(profile.weights.get(plugin(profile, 'NodeAffinity')!), undefined)
  })

  test('says how many nodes are looked at, for all profiles or one', () => {
    const text =
      'percentageOfNodesToScore: 30\nprofiles:\n- schedulerName: a\n- schedulerName: b\n  percentageOfNodesToScore: 70\n'
    const { profiles } = parseConfiguration(head + text)
    assert.deepEqual(
      profiles.map(({ schedulerName, percentageOfNodesToScore }) => [schedulerName, percentageOfNodesToScore]),
      [
        ['a', 30],
        ['b', 70],
      ],
    )
  })

  test('says how long pods wait after failures', () => {
    const { backOff } = parseConfiguration(`${head}podInitialBackoffSeconds: 3\npodMaxBackoffSeconds: 6\n`)
    assert.deepEqual(backOff, { initialMs: 3000, longestMs: 6000 })
  })

  const faults: Readonly<Record<string, RegExp>> = {
    'apiVersion: v1\nkind: Pod\n': /no kind "Pod" is registered for version "v1"/,
    [`${head}colour: red\n`]: /unknown field "colour"/,
    [`${head}profiles: [{schedulerName: a}, {schedulerName: a}]\n`]: /profiles: Duplicate value: "a"/,
    [`${head}profiles: [{plugins: {score: {enabled: [{name: Nobody}]}}}]\n`]:
      /profiles\[0\].plugins.score: plugin "Nobody" does not exist/,
    [`${head}profiles: [{plugins: {bind: {disabled: [{name: DefaultBinder}]}}}]\n`]: /cannot be switched off/,
    [`${head}profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {kind: x}}}]}]\n`]:
      /profiles\[0\].pluginConfig\[0\].args: .*unknown field "scoringStrategy.kind"/,
    [`${head}percentageOfNodesToScore: 101\n`]: /Invalid value: 101: not in valid range \[0-100\]/,
    [`${head}extenders: [{urlPrefix: "http://x", prioritizeVerb: rank}]\n`]: /extenders\[0\].weight: Invalid value: 0/,
    [`${head}extenders: [{urlPrefix: "x"}]\n`]: /extenders\[0\].urlPrefix: Invalid value: "x"/,
    [`${head}extenders: [{urlPrefix: "http://x", httpTimeout: soon}]\n`]:
      /extenders\[0\].httpTimeout: Invalid value: "soon"/,
    [`${head}extenders: [{urlPrefix: "http://x", bindVerb: b}, {urlPrefix: "http://y", bindVerb: b}]\n`]:
      /found 2 extenders implementing bind/,
    'a: [': /yaml/,
  }
  for (const [text, fault] of Object.entries(faults))
    test(`is refused: ${fault.source}`, () =>
      assert.throws(
        () => parseConfiguration(text),
        (error) => error instanceof ConfigurationError && fault.test(error.message),
      ))
})

test('each profile places the pods that name it, in its own way and under its own name', async () => {
  const scheduler = parseConfiguration(`${head}
profiles:
- schedulerName: default-scheduler
- schedulerName: packer
  pluginConfig:
  - name: NodeResourcesFit
    args:
      scoringStrategy: {type: MostAllocated, resources: [{name: cpu, weight: 1}]}
  plugins:
    score:
      disabled: [{name: NodeResourcesBalancedAllocation}]
`)
  await using cluster = await startCluster({ world: new VirtualWorld(1), nodes: 3, scheduler })
  const { client } = cluster
  const resources = { requests: { cpu: '1', memory: '1Gi' } }
  const create = (name: string, schedulerName: string) =>
    client.create<Pod>(Pod, {
      metadata: { name, namespace: 'default' },
      spec: { schedulerName, containers: [{ name: 'main', image: 'i', resources }] },
    })
  const nodesOf = async (prefix: string) => {
    const { items } = await client.list(Pod)
    const nodes = items.filter(({ metadata }) => metadata.name!.startsWith(prefix)).map(({ spec }) => spec.nodeName)
    return new Set(nodes).size
  }
  for (let at = 0; at < 3; at++) await create(`packed-${at}`, 'packer')
  await cluster.settle()
  for (let at = 0; at < 2; at++) await create(`spread-${at}`, 'default-scheduler')
  await create('nobodys', 'nobody')
  await cluster.settle()
  assert.equal(await nodesOf('packed'), 1)
  assert.equal(await nodesOf('spread'), 2)
  assert.equal((await client.get(Pod, { namespace: 'default', name: 'nobodys' })).spec.nodeName, undefined)
  const { items } = await client.list(Event, { namespace: 'default' })
  const speakers = items.filter(({ reason }) => reason === 'Scheduled').map((event) => event.reportingComponent)
  assert.deepEqual(speakers.sort(), ['default-scheduler', 'default-scheduler', 'packer', 'packer', 'packer'])
})
