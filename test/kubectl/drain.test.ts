import assert from 'node:assert/strict'
import { type Scene, stories } from '../support/kubectl.ts'

const daemon = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {containers: [{name: agent, image: agent}]}
`

const scratch = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: scratch}
spec:
  selector: {matchLabels: {app: scratch}}
  template:
    metadata: {labels: {app: scratch}}
    spec:
      containers: [{name: main, image: nginx, volumeMounts: [{name: tmp, mountPath: /tmp}]}]
      volumes: [{name: tmp, emptyDir: {}}]
`

const bare = (name: string, nodeName = 'node-1') =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: { nodeName, containers: [{ name: 'main', image: 'nginx' }] },
  })

/** As a file: old kubectls can only create the version that was removed in 1.25. */
const budget = (spec: object) =>
  JSON.stringify({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'web' },
    spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
  })

/** Some of each sort of pod, all on the one node that is open. */
async function fill({ kubectl, settle }: Scene, ...manifests: string[]): Promise<void> {
  await kubectl('cordon node-2 node-3')
  for (const manifest of manifests) await kubectl('create -f -', manifest)
  await kubectl('create deployment web --image=nginx --replicas=2')
  await settle()
  await kubectl('uncordon node-2 node-3')
}

const onNode = async ({ kubectl }: Scene, node: string) => {
  const names = await kubectl.read(`get pods --field-selector=spec.nodeName=${node}`, '{.items[*].metadata.name}')
  return names.split(' ').filter(Boolean).sort()
}

/** The words for what drain says changed with kubectl 1.23. */
const newer = ({ kubectl }: Scene) => kubectl.minor >= 23

stories(
  {
    'Drain names each pod that it may not delete, after the cordon [NOD-08 NOD-09 NOD-10 NOD-14]': async (scene) => {
      const { kubectl } = scene
      await fill(scene, daemon, scratch, bare('pod1'))
      const before = await onNode(scene, 'node-1')
      const { code, stdout, stderr } = await kubectl.run('drain node-1')
      assert.equal(code, 1)
      assert.equal(stdout, 'node/node-1 cordoned\n')
      const ns = scene.namespace
      assert.match(
        stderr,
        newer(scene)
          ? /^error: unable to drain node "node-1" due to error: ?\[/
          : /^error: unable to drain node "node-1", aborting command\.\.\.$/m,
      )
      assert.match(stderr, /There are pending nodes to be drained:\n node-1$/m)
      assert.match(
        stderr,
        new RegExp(`cannot delete DaemonSet-managed Pods \\(use --ignore-daemonsets to ignore\\): ${ns}/agent-`),
      )
      assert.match(
        stderr,
        new RegExp(
          `cannot delete Pods with local storage \\(use --delete-emptydir-data to override\\): ${ns}/scratch-`,
        ),
      )
      assert.match(
        stderr,
        newer(scene)
          ? new RegExp(`cannot delete Pods that declare no controller \\(use --force to override\\): ${ns}/pod1`)
          : new RegExp(
              `cannot delete Pods not managed by ReplicationController, ReplicaSet, Job, DaemonSet or StatefulSet \\(use --force to override\\): ${ns}/pod1`,
            ),
      )
      assert.equal((await kubectl.rows('get node node-1'))[0]?.['STATUS'], 'Ready,SchedulingDisabled')
      assert.deepEqual(await onNode(scene, 'node-1'), before, 'nothing is evicted')

      const again = await kubectl.run('drain node-1 --ignore-daemonsets --force')
      assert.equal(again.code, 1)
      assert.equal(again.stdout, 'node/node-1 already cordoned\n')
      assert.match(again.stderr, /cannot delete Pods with local storage/)
      assert.doesNotMatch(again.stderr, /use --force|use --ignore-daemonsets/)
      assert.deepEqual(await onNode(scene, 'node-1'), before)
    },

    'With its flags drain evicts all but DaemonSet pods, which come up elsewhere [NOD-11 NOD-16 NOD-18 NOD-19 NOD-21]':
      async (scene) => {
        const { kubectl, settle } = scene
        await fill(scene, daemon, scratch, bare('pod1'))
        const flags = '--ignore-daemonsets --force --delete-emptydir-data'
        const { code, stdout, stderr } = await kubectl.run(`drain node-1 ${flags}`)
        assert.equal(code, 0, stderr)
        assert.match(stderr, /ignoring DaemonSet-managed Pods: story-\d+\/agent-/)
        const said = `${stdout}${stderr}`
        assert.equal([...said.matchAll(/^evicting pod story-\d+\/(web|scratch|pod1)/gm)].length, 4)
        assert.equal([...said.matchAll(/^pod\/(web-\S+|scratch-\S+|pod1) evicted$/gm)].length, 4)
        assert.match(stdout, newer(scene) ? /node\/node-1 drained\n$/ : /node\/node-1 evicted\n$/)

        // At the moment drain returns they are gone.
        assert.deepEqual(
          (await onNode(scene, 'node-1')).map((name) => name.replace(/-.*/, '')),
          ['agent'],
        )
        await settle()
        assert.equal((await kubectl.rows('get deployment web'))[0]?.['READY'], '2/2')
        assert.equal((await kubectl.rows('get deployment scratch'))[0]?.['READY'], '1/1')
        assert.match(await kubectl.refused('get pod pod1'), /pods "pod1" not found/)

        const idle = await kubectl.run(`drain node-1 --ignore-daemonsets`)
        assert.equal(idle.code, 0)
        assert.match(idle.stderr, /ignoring DaemonSet-managed Pods/)
        assert.equal(idle.stdout, 'node/node-1 already cordoned\nnode/node-1 drained\n')
      },

    'A node with DaemonSet and mirror pods alone is drained at once [NOD-12 NOD-15]': async (scene) => {
      const { kubectl, settle } = scene
      await kubectl('create -f -', daemon)
      await settle()
      const uid = await kubectl.read('get node node-1', '{.metadata.uid}')
      const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name: 'node-1', uid, controller: true }]
      const annotations = { 'kubernetes.io/config.mirror': 'abc', 'kubernetes.io/config.source': 'file' }
      const pod = JSON.parse(bare('etcd-node-1'))
      await kubectl(
        'create -f -',
        JSON.stringify({ ...pod, metadata: { ...pod.metadata, annotations, ownerReferences } }),
      )
      await settle()
      const { code, stdout, stderr } = await kubectl.run('drain node-1 --ignore-daemonsets')
      assert.equal(code, 0, stderr)
      assert.equal(stdout, 'node/node-1 cordoned\nnode/node-1 drained\n')
      assert.doesNotMatch(stderr, /etcd-node-1/)
      assert.ok((await onNode(scene, 'node-1')).includes('etcd-node-1'))
    },

    'The flag --delete-local-data is one of old kubectls [NOD-13]': async (scene) => {
      const { kubectl } = scene
      await fill(scene, scratch)
      const { code, stdout, stderr } = await kubectl.run('drain node-1 --delete-local-data')
      if (newer(scene)) {
        assert.equal(code, 1)
        assert.match(stderr, /^error: unknown flag: --delete-local-data/)
      } else {
        assert.equal(code, 0, stderr)
        assert.match(stderr, /^Flag --delete-local-data has been deprecated/)
        assert.match(stdout, /node\/node-1 evicted\n$/)
      }
    },

    'A PodDisruptionBudget holds a drain up until it allows the eviction [NOD-17]': async (scene) => {
      const { kubectl, settle } = scene
      await fill(scene)
      await kubectl('create -f -', budget({ minAvailable: 2 }))
      await settle()
      const [shown] = await kubectl.rows('get pdb')
      assert.deepEqual(
        [shown?.['MIN AVAILABLE'], shown?.['MAX UNAVAILABLE'], shown?.['ALLOWED DISRUPTIONS']],
        ['2', 'N/A', '0'],
      )
      const { code, stderr } = await kubectl.run('drain node-1 --timeout=1s')
      assert.equal(code, 1)
      assert.match(
        stderr,
        /error when evicting pods?\/?"web-\S+"( -n "story-\d+")? \(will retry after 5s\): Cannot evict pod as it would violate the pod's disruption budget\./,
      )
      assert.match(stderr, /global timeout reached: 1s/)
      assert.equal((await onNode(scene, 'node-1')).length, 2)

      await kubectl('delete pdb web')
      assert.match(await kubectl('drain node-1'), /node\/node-1 (drained|evicted)$/)
      assert.deepEqual(await onNode(scene, 'node-1'), [])
    },

    'A budget that allows one lets one go at a time': async (scene) => {
      const { kubectl, settle } = scene
      await fill(scene)
      await kubectl('create -f -', budget({ maxUnavailable: 1 }))
      // What comes in their place finds no node.
      await kubectl('cordon node-1 node-2 node-3')
      await settle()
      const evict = async (pod: string) =>
        kubectl.run(`create --raw /api/v1/namespaces/${scene.namespace}/pods/${pod}/eviction -f -`, {
          file: JSON.stringify({
            apiVersion: 'policy/v1',
            kind: 'Eviction',
            metadata: { name: pod, namespace: scene.namespace },
          }),
        })
      const [first, second] = await onNode(scene, 'node-1')
      await kubectl(`annotate pod ${first} simulation.coracle.dev/stop-after=2s`)
      const [one, other] = [await evict(first!), await evict(second!)]
      assert.equal(one.code, 0, one.stderr)
      assert.equal(other.code, 1)
      assert.match(
        other.stderr,
        /^Error from server \(TooManyRequests\): Cannot evict pod as it would violate the pod's disruption budget\.$/m,
      )
      await kubectl('uncordon node-2')
      // The scheduler lets a pod that it has refused before wait a little.
      await kubectl('rollout status deployment web --timeout=30s')
      await settle()
      assert.equal((await kubectl.rows('get deployment web'))[0]?.['READY'], '2/2')
      assert.equal((await evict(second!)).code, 0)
    },

    'Drain takes only the pods of a selector, tries first on paper, and shortens the grace period': async (scene) => {
      const { kubectl, settle } = scene
      await fill(scene, bare('pod1'), bare('pod2'))
      const before = await onNode(scene, 'node-1')
      // Old kubectls ask for custom resources in a version that is gone before they try evictions on the server.
      const where = newer(scene) ? 'server' : 'client'
      const tried = await kubectl.run(`drain node-1 --force --dry-run=${where}`)
      assert.equal(tried.code, 0, tried.stderr)
      const note = newer(scene) ? ' (server dry run)' : ' (dry run)'
      assert.ok(tried.stdout.includes(`node/node-1 cordoned${note}`))
      assert.ok(tried.stdout.includes(`node/node-1 drained${note}`))
      assert.deepEqual(await onNode(scene, 'node-1'), before)
      assert.equal((await kubectl.rows('get node node-1'))[0]?.['STATUS'], 'Ready')

      await kubectl('drain node-1 --pod-selector=app=web')
      assert.deepEqual(await onNode(scene, 'node-1'), ['pod1', 'pod2'])
      // A pod that would take its time gets none.
      await kubectl('annotate pod pod1 simulation.coracle.dev/stop-after=30s')
      await kubectl('drain node-1 --force --grace-period=1 --timeout=15s')
      assert.deepEqual(await onNode(scene, 'node-1'), [])
      await settle()
    },

    'Without evictions drain deletes, whatever the budget says': async (scene) => {
      const { kubectl } = scene
      await fill(scene)
      await kubectl('create -f -', budget({ minAvailable: 2 }))
      await scene.settle()
      const { code, stdout, stderr } = await kubectl.run('drain node-1 --disable-eviction')
      assert.equal(code, 0, stderr)
      assert.match(`${stdout}${stderr}`, /^pod\/web-\S+ deleted$/m)
      assert.deepEqual(await onNode(scene, 'node-1'), [])
    },

    'There is no undrain; uncordon is the way back [NOD-22 NOD-23]': async (scene) => {
      const { kubectl } = scene
      await kubectl('drain node-1')
      const said = await kubectl.refused('undrain node-1')
      assert.match(said, /unknown command "undrain" for "kubectl"\n\nDid you mean this\?\n\tdrain/)
      assert.equal(await kubectl('uncordon node-1'), 'node/node-1 uncordoned')
      assert.equal((await kubectl.rows('get node node-1'))[0]?.['STATUS'], 'Ready')
    },

    'A watch during a drain shows old pods end and new ones come up [NOD-20 OBS-03 OBS-09]': async (scene) => {
      const { kubectl } = scene
      await fill(scene)
      const watch = kubectl.start('get pods -o wide -w')
      await watch.said(/(Running.*\n.*){2}/)
      await kubectl('drain node-1')
      await watch.said(/(1\/1 +Running.*node-[23] (.|\n)*){2}/)
      const lines = (await watch.interrupt()).stdout.trim().split('\n')
      assert.equal(lines.filter((line) => line.startsWith('NAME')).length, 1, 'one header')
      const name = lines.find((line) => /Running.*node-[23]/.test(line))!.split(' ')[0]!
      const states = lines.filter((line) => line.startsWith(name)).map((line) => line.split(/ +/).slice(1, 3).join(' '))
      // A node that has much else to do says both in one go.
      assert.match(states.join(), /^0\/1 Pending,0\/1 Pending,(0\/1 ContainerCreating,)?1\/1 Running$/)
      assert.ok(lines.some((line) => /1\/1 +Terminating.*node-1 /.test(line)))
    },

    'A pod is deleted by force [NOD-32 NOD-33]': async (scene) => {
      const { kubectl, namespace } = scene
      await kubectl('create -f -', bare('pod1'))
      const { stdout, stderr, code } = await kubectl.run('delete pod pod1 --grace-period=0 --force')
      assert.equal(code, 0)
      assert.match(
        stderr,
        /^[Ww]arning: Immediate deletion does not wait for confirmation that the running resource has been terminated\. The resource may continue to run on the cluster indefinitely\.\n/,
      )
      assert.match(stdout, /^pod "pod1" force deleted( from \S+ namespace)?\n$/)
      await kubectl('create -f -', scratch)
      assert.match(await kubectl('delete -f -', scratch), /^deployment\.apps "scratch" deleted( from \S+ namespace)?$/)
      await scene.settle()
      const { stderr: none } = await kubectl.run('get pods')
      assert.equal(none, `No resources found in ${namespace} namespace.\n`)
    },
  },
  { own: true },
)
