import assert from 'node:assert/strict'
import { coracleFor } from '../support/coracle.ts'
import { type Run, type Scene, stories } from '../support/kubectl.ts'

/** A pod on the first node that nobody runs: its name is the same whoever is asked. */
const bare = (name: string, spec: object = {}) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'nginx' }], ...spec },
  })

const local = { volumes: [{ name: 'tmp', emptyDir: {} }] }

const daemon = JSON.stringify({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'agent' },
  spec: {
    selector: { matchLabels: { app: 'agent' } },
    template: {
      metadata: { labels: { app: 'agent' } },
      spec: { nodeSelector: { agent: 'yes' }, containers: [{ name: 'agent', image: 'agent' }] },
    },
  },
})

const budget = (app: string) =>
  JSON.stringify({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: app },
    spec: { minAvailable: 1, selector: { matchLabels: { app } } },
  })

/** What 1.36 says where older kubectls say something else; pods go in no order. */
function asNewest({ code, stdout, stderr }: Run, minor: number) {
  const said = stderr
    .replaceAll('cannot delete cannot delete', 'cannot delete')
    .replaceAll('Pods declare no controller', 'Pods that declare no controller')
    .replace(/^W\d{4} .*--dry-run.*deprecated.*\n/m, '')
  const sorted = (text: string) => text.split('\n').map(withSortedList).sort()
  if (minor >= 27) return { code, stdout: sorted(stdout), stderr: sorted(said) }
  // Old ones tell evictions on the wrong stream, and end with other words.
  return { code, nodes: stdout.split('\n').filter((line) => /^node\/.*cordoned/.test(line)) }
}

/** `[b, a]` and `Warning: b; a` come in any order. */
const withSortedList = (line: string) =>
  line
    .replace(/\[(cannot .*)\](?=, continuing)/, (_, list: string) => `[${list.split(/, (?=cannot)/).sort()}]`)
    .replace(/(?<=^Warning: ).*/, (list) => list.split('; ').sort().join('; '))

/** Has both do the same, each from the same state on, and compares every byte. */
async function sideBySide(
  { kubectl }: Scene,
  line: string,
  { before = async () => {}, old = true }: { readonly before?: () => Promise<void>; readonly old?: boolean } = {},
): Promise<Run> {
  await using coracle = await coracleFor(await kubectl('config view --raw'))
  await before()
  const theirs = kubectl.minor >= 23 || old ? await kubectl.run(line) : undefined
  await before()
  const ours = await coracle.run(line.replace(/^drain/, 'drain --no-plan'))
  if (theirs) assert.deepEqual(asNewest(ours, kubectl.minor), asNewest(theirs, kubectl.minor), line)
  return ours
}

stories(
  {
    'Cordon and uncordon: the same words, also the second time [NOD-01 NOD-02 NOD-06]': async (scene) => {
      const { kubectl } = scene
      const opened = { before: async () => void (await kubectl.run('uncordon node-1 node-2 node-3')) }
      assert.equal((await sideBySide(scene, 'cordon node-1', opened)).stdout, 'node/node-1 cordoned\n')
      assert.equal((await kubectl.rows('get node node-1'))[0]?.['STATUS'], 'Ready,SchedulingDisabled')
      assert.equal((await sideBySide(scene, 'cordon node-1')).stdout, 'node/node-1 already cordoned\n')
      await sideBySide(scene, 'cordon node-1 node/node-2 nodes/node-3', opened)
      await sideBySide(scene, 'cordon -l kubernetes.io/hostname=node-2', opened)
      await sideBySide(scene, 'cordon --selector=nobody=here')
      await sideBySide(scene, 'cordon node-1 --dry-run=client', opened)
      await sideBySide(scene, 'cordon nobody')
      const closed = { before: async () => void (await kubectl.run('cordon node-1')) }
      assert.equal((await sideBySide(scene, 'uncordon node-1', closed)).stdout, 'node/node-1 uncordoned\n')
      assert.equal((await sideBySide(scene, 'uncordon node-1')).stdout, 'node/node-1 already uncordoned\n')
      assert.equal((await kubectl.rows('get node node-1'))[0]?.['STATUS'], 'Ready')
    },

    'A drain that is refused: the same words, and the node stays cordoned [NOD-09 NOD-10 NOD-14 NOD-15]': async (
      scene,
    ) => {
      const { kubectl, settle } = scene
      await kubectl('label node node-1 agent=yes')
      for (const manifest of [daemon, bare('one'), bare('two', local)]) await kubectl('create -f -', manifest)
      await settle()
      await kubectl('cordon node-1')
      const { code, stdout, stderr } = await sideBySide(scene, 'drain node-1')
      assert.equal(code, 1)
      assert.equal(stdout, 'node/node-1 already cordoned\n')
      assert.match(stderr, /^error: unable to drain node "node-1" due to error: \[cannot delete /)
      assert.match(stderr, /^cannot delete Pods that declare no controller \(use --force to override\): \S+\/one$/m)
      await sideBySide(scene, 'drain node-1 --force')
      await sideBySide(scene, 'drain node-1 --force --ignore-daemonsets')
      await sideBySide(scene, 'drain node-1 --ignore-daemonsets --delete-emptydir-data')
      await sideBySide(scene, 'drain node-1 node-2 --ignore-daemonsets', {
        before: async () => void (await kubectl.run('uncordon node-2')),
      })
      await sideBySide(scene, 'drain nobody')
      assert.equal((await kubectl.rows('get node node-1'))[0]?.['STATUS'], 'Ready,SchedulingDisabled')
      assert.equal((await kubectl.rows('get pods')).length, 3, 'nothing is evicted')
      await sideBySide(scene, 'drain node-1 --force --ignore-daemonsets --delete-emptydir-data --dry-run=client')
      await sideBySide(scene, 'drain node-1 --force --ignore-daemonsets --delete-emptydir-data --dry-run=server', {
        old: false,
      })
      assert.equal((await kubectl.rows('get pods')).length, 3, 'nothing is evicted')
    },

    'A drain that goes through: the same words, evicting or deleting [NOD-11 NOD-12 NOD-18]': async (scene) => {
      const { kubectl, settle } = scene
      await kubectl('label node node-1 agent=yes')
      await kubectl('create -f -', daemon)
      const before = async () => {
        await kubectl.run('uncordon node-1')
        await kubectl('create -f -', bare('one'))
        await kubectl('create -f -', bare('two', local))
        await settle()
      }
      const flags = '--force --ignore-daemonsets --delete-emptydir-data'
      const { code, stdout, stderr } = await sideBySide(scene, `drain node-1 ${flags}`, { before })
      assert.equal(code, 0, stderr)
      assert.match(stdout, /^node\/node-1 cordoned\nevicting pod .*\n(.*\n)*pod\/\w+ evicted\nnode\/node-1 drained\n$/)
      assert.equal((await kubectl.rows('get pods')).length, 1)
      await sideBySide(scene, `drain node-1 ${flags} --disable-eviction --grace-period=0`, { before })
      await sideBySide(scene, 'drain node-1 --ignore-daemonsets')
      assert.equal((await kubectl.rows('get pods')).length, 1)
    },

    'A budget, a slow pod, a pod that is given up: the same words [NOD-17 FLR-04]': async (scene) => {
      const { kubectl, settle } = scene
      await kubectl('create -f -', bare('one'))
      await kubectl('create -f -', budget('one'))
      await kubectl('create -f -', bare('slow'))
      const stuck = JSON.parse(bare('stuck'))
      const finalizers = ['example.com/kept']
      await kubectl('create -f -', JSON.stringify({ ...stuck, metadata: { ...stuck.metadata, finalizers } }))
      await settle()
      await kubectl('delete pod stuck --grace-period=0 --force --wait=false')
      await kubectl('annotate pod slow simulation.coracle.dev/stop-after=300s')
      await kubectl('cordon node-1')
      const blocked = await sideBySide(scene, 'drain node-1 --force --pod-selector=app=one --timeout=1500ms')
      assert.equal(blocked.code, 1)
      assert.match(blocked.stderr, /^error when evicting .*global timeout reached: 1\.5s$/m)
      await sideBySide(scene, 'drain node-1 --force --pod-selector=app=slow --timeout=500ms')
      await sideBySide(scene, 'drain node-1 --force --pod-selector=app=slow --timeout=500ms --disable-eviction')
      // By now it should have been gone for some seconds, and nobody waits for it.
      const given = 'drain node-1 --force --pod-selector=app=stuck --skip-wait-for-delete-timeout=1'
      const { code, stdout } = await sideBySide(scene, given)
      assert.equal(code, 0)
      assert.match(stdout, /node\/node-1 drained\n$/)
    },

    'A host is taken out, comes back under its name, and is replaced by one of another [NOD-18 NOD-24 NOD-26 NOD-27]':
      async ({ kubectl, cluster, settle }) => {
        await using coracle = await coracleFor(await kubectl('config view --raw'))
        await kubectl('cordon node-2 node-3')
        await kubectl('create deployment web --image=nginx --replicas=2')
        const uid = await kubectl.read('get node node-1', '{.metadata.uid}')
        const pod = JSON.parse(bare('etcd-node-1'))
        const metadata = {
          ...pod.metadata,
          annotations: { 'kubernetes.io/config.mirror': 'abc' },
          ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'node-1', uid, controller: true }],
        }
        await kubectl('create -f -', JSON.stringify({ ...pod, metadata }))
        await settle()
        await kubectl('uncordon node-2 node-3')

        // What belongs to the machine stays on it; all else goes where the plan has room for it.
        const { code, stdout, stderr } = await coracle.run('drain node-1')
        assert.equal(code, 0, stderr)
        assert.match(stdout, /^Plan: drain node-1\n/)
        assert.match(stdout, /^ {2}node-1 +story-\d+\/web-\S+ +deployment\/web +node-[23]$/m)
        assert.match(stdout, /^ {2}node-1: 2 pods to go, 1 to stay$/m)
        assert.match(stdout, /\nnode\/node-1 drained\n$/)
        assert.doesNotMatch(stdout, /evict\S* pod\S* \S*etcd-node-1/)
        assert.match(await kubectl('delete node node-1'), /^node "node-1" deleted/)
        assert.deepEqual(
          (await kubectl.rows('get nodes')).map(({ NAME }) => NAME),
          ['node-2', 'node-3'],
        )

        // The same machine, or another one that is called so: it is a new Node, and open.
        await cluster.nodes!.restart('node-1')
        await settle()
        const [again] = await kubectl.rows('get node node-1')
        assert.equal(again?.['STATUS'], 'Ready')
        assert.notEqual(await kubectl.read('get node node-1', '{.metadata.uid}'), uid)

        // One of another name takes over what was there.
        await cluster.nodes!.add([{ name: 'node-9' }])
        await settle()
        const both = await coracle.run('drain node-1 node-2 node-3')
        assert.equal(both.code, 0, both.stderr)
        await kubectl('delete node node-1 node-2 node-3')
        await settle()
        await kubectl('rollout status deployment web --timeout=30s')
        const nodes = (await kubectl.rows('get pods -l app=web -o wide')).map(({ NODE }) => NODE)
        assert.deepEqual(nodes, ['node-9', 'node-9'])
      },
  },
  { own: true },
)
