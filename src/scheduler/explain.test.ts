import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Node } from '../kinds/core/node.ts'
import { PersistentVolumeClaim } from '../kinds/core/persistent-volume-claim.ts'
import { Pod } from '../kinds/core/pod.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'
import type { Draft } from '../schema/types.ts'
import { explain } from './explain.ts'
import { node, objectsOf, pod, requesting } from './fixtures.ts'

/** `a: PLUGIN what would help | PLUGIN …` for every node, and the node against which the least has to be done. */
function why(
  spec: Draft<Pod['spec']>,
  nodes: readonly Node[],
  pods: readonly Pod[] = [],
  more: [Kind, ...ApiObject[]][] = [],
) {
  const found = explain(pod('p', spec), objectsOf([[Node, ...nodes], [Pod, ...pods], ...more]))
  if (found.type !== 'refused') return found
  const lines = found.nodes.map(
    ({ node, objections }) =>
      `${node}: ${objections.map(({ plugin, remedy }) => `${plugin} ${remedy}`).join(' | ') || 'fits'}`,
  )
  return [...lines, `least: ${found.smallest?.node}`]
}

const on = (name: string, nodeName: string, spec: Draft<Pod['spec']>) => pod(name, { nodeName, ...spec })

describe('a pod', () => {
  test('that has a node, is behind a gate, or meets no node at all', () => {
    assert.deepEqual(why({ nodeName: 'n' }, []), { type: 'placed', node: 'n' })
    assert.deepEqual(why({ schedulingGates: [{ name: 'g' }] }, [node('n')]), { type: 'gated', gates: ['g'] })
    assert.deepEqual(why({}, []), { type: 'no nodes' })
  })

  test('whose claim is missing can go nowhere', () => {
    const spec = { volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'd' } }] }
    assert.deepEqual(why(spec, [node('n')], [], [[PersistentVolumeClaim]]), {
      type: 'nowhere',
      plugin: 'VolumeBinding',
      reason: 'persistentvolumeclaim "d" not found',
    })
  })

  test('is told of everything that stands against each node, and where the least does', () => {
    const taints = [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] as const
    const nodes = [
      node('cordoned', { spec: { unschedulable: true, taints: [...taints] } }),
      node('full'),
      node('tainted', { spec: { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] } }),
      node('free'),
    ]
    const pods = [on('other', 'full', requesting({ cpu: '1500m' }))]
    assert.deepEqual(why({ ...requesting({ cpu: '1' }), nodeSelector: { disk: 'ssd' } }, nodes, pods), [
      'cordoned: NodeUnschedulable kubectl uncordon cordoned | NodeAffinity kubectl label node cordoned disk=ssd',
      'free: NodeAffinity kubectl label node free disk=ssd',
      'full: NodeAffinity kubectl label node full disk=ssd | NodeResourcesFit ask for 500m cpu less (1 asked, 500m of 2 free); or stop other pods there',
      'tainted: TaintToleration tolerate k=v:NoSchedule in the pod, or: kubectl taint node tainted k=v:NoSchedule- | NodeAffinity kubectl label node tainted disk=ssd',
      'least: free',
    ])
  })

  test('that fits is told so', () => {
    assert.deepEqual(why({}, [node('n')]), ['n: fits', 'least: n'])
  })

  test('is told which label would make the shortest of its terms true', () => {
    const requirement = (key: string, operator: 'In' | 'Exists' | 'Gt', ...values: string[]) => ({
      key,
      operator,
      values,
    })
    const nodeSelectorTerms = [
      { matchExpressions: [requirement('a', 'In', '1', '2'), requirement('b', 'Exists')] },
      { matchExpressions: [requirement('c', 'Gt', '4')] },
    ]
    const spec = {
      affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
    }
    assert.deepEqual(why(spec, [node('n')]), ['n: NodeAffinity kubectl label node n c=5', 'least: n'])
  })

  test('that asks for what no node has needs another node', () => {
    const spec = requesting({ memory: '3Gi', 'example.com/gpu': '1' })
    assert.deepEqual(why(spec, [node('n')]), [
      'n: NodeResourcesFit ask for 1Gi memory less (3Gi asked, 2Gi of 2Gi free); ask for 1 example.com/gpu less (1 asked, 0 of 0 free); or add a larger node',
      'least: n',
    ])
  })
})
