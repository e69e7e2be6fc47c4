import assert from 'node:assert/strict'
import { type Scene, stories } from '../support/kubectl.ts'

const deploy = async ({ kubectl, settle }: Scene, replicas: number) => {
  await kubectl(`create deployment nginx --image=nginx --replicas=${replicas}`)
  await scale({ kubectl, settle }, replicas)
}

/** To that many, with nothing under way afterwards. */
async function scale({ kubectl, settle }: Pick<Scene, 'kubectl' | 'settle'>, replicas: number): Promise<void> {
  await kubectl(`scale deployment nginx --replicas=${replicas}`)
  await settle()
}

/** Pod → node. */
async function places({ kubectl }: Scene): Promise<Map<string, string>> {
  const text = await kubectl.read('get pods', '{range .items[*]}{.metadata.name}={.spec.nodeName} {end}')
  return new Map(
    text
      .split(' ')
      .filter(Boolean)
      .map((pair) => pair.split('=') as [string, string]),
  )
}

const nodesOf = async (scene: Scene) => [...new Set((await places(scene)).values())].sort()

const status = async ({ kubectl }: Scene, node: string) => (await kubectl.rows(`get node ${node}`))[0]?.['STATUS']

stories(
  {
    'A cordoned node takes no new pods, and the old ones stay [NOD-01 NOD-02 NOD-03 NOD-04 NOD-06]': async (scene) => {
      const { kubectl } = scene
      await kubectl('delete node node-3')
      await deploy(scene, 5)
      const before = await places(scene)
      assert.equal(await kubectl('cordon node-1'), 'node/node-1 cordoned')
      assert.equal(await kubectl('cordon node-1'), 'node/node-1 already cordoned')
      assert.equal(await status(scene, 'node-1'), 'Ready,SchedulingDisabled')
      assert.equal(await kubectl.read('get node node-1', '{.spec.unschedulable}'), 'true')

      await scene.settle()
      assert.deepEqual(await places(scene), before)
      await scale(scene, 10)
      const after = await places(scene)
      assert.equal(after.size, 10)
      for (const [pod, node] of after) assert.equal(node, before.get(pod) ?? 'node-2')

      assert.equal(await kubectl('uncordon node-1'), 'node/node-1 uncordoned')
      assert.equal(await kubectl('uncordon node-1'), 'node/node-1 already uncordoned')
      assert.equal(await status(scene, 'node-1'), 'Ready')
      await scene.settle()
      const come = 'get events -n default --field-selector involvedObject.name=node-1,reason=RegisteredNode'
      assert.equal(
        await kubectl.read(come, '{.items[*].message}'),
        'Node node-1 event: Registered Node node-1 in Controller',
      )
      const said = await kubectl('describe node node-1')
      for (const reason of ['NodeNotSchedulable', 'NodeSchedulable'])
        assert.match(said, new RegExp(`Normal +${reason} .* kubelet +Node node-1 status is now: ${reason}`))
    },

    'To nothing and back: all on the open node, and after uncordon on both [NOD-05 NOD-07]': async (scene) => {
      const { kubectl } = scene
      await kubectl('delete node node-3')
      await kubectl('run pod1 --image=nginx')
      await deploy(scene, 5)
      await kubectl('cordon node-1')
      await scale(scene, 0)
      assert.deepEqual([...(await places(scene)).keys()], ['pod1'])
      await scale(scene, 10)
      await kubectl('delete pod pod1 --grace-period=0 --force')
      assert.deepEqual(await nodesOf(scene), ['node-2'])

      const before = await places(scene)
      await kubectl('uncordon node-1')
      await scene.settle()
      assert.deepEqual(await places(scene), before, 'nothing moves back')
      await scale(scene, 0)
      await scale(scene, 10)
      assert.deepEqual(await nodesOf(scene), ['node-1', 'node-2'])
    },

    'A node is deleted after its drain [NOD-24]': async (scene) => {
      const { kubectl, settle } = scene
      await deploy(scene, 4)
      await kubectl('drain node-2')
      await settle()
      assert.equal(await kubectl('delete nodes node-2'), 'node "node-2" deleted')
      assert.deepEqual(
        (await kubectl.rows('get nodes')).map((row) => row['NAME']),
        ['node-1', 'node-3'],
      )
      assert.match(
        await kubectl.refused('get node node-2'),
        /^Error from server \(NotFound\): nodes "node-2" not found$/,
      )
      assert.deepEqual(await nodesOf(scene), ['node-1', 'node-3'])
    },

    'The table of nodes, narrow and wide [NOD-28 NOD-29]': async (scene) => {
      const { kubectl } = scene
      await kubectl('cordon node-2')
      const nodes = await kubectl.rows('get nodes')
      assert.deepEqual(Object.keys(nodes[0]!), ['NAME', 'STATUS', 'ROLES', 'AGE', 'VERSION'])
      assert.deepEqual(
        nodes.map((row) => [row['NAME'], row['STATUS'], row['ROLES'], row['VERSION']]),
        [
          ['node-1', 'Ready', '<none>', 'v1.36.2'],
          ['node-2', 'Ready,SchedulingDisabled', '<none>', 'v1.36.2'],
          ['node-3', 'Ready', '<none>', 'v1.36.2'],
        ],
      )
      const [wide] = await kubectl.rows('get nodes -o wide')
      assert.match(wide!['INTERNAL-IP']!, /^\d+\.\d+\.\d+\.\d+$/)
      assert.equal(wide!['EXTERNAL-IP'], '<none>')
      for (const column of ['OS-IMAGE', 'KERNEL-VERSION', 'CONTAINER-RUNTIME']) assert.notEqual(wide![column], '')
      await kubectl('label node node-1 node-role.kubernetes.io/control-plane=')
      assert.equal((await kubectl.rows('get node node-1'))[0]?.['ROLES'], 'control-plane')
    },

    'A taint keeps pods away that do not tolerate it, and drives them off if it says so [LBL-06]': async (scene) => {
      const { kubectl, settle } = scene
      await deploy(scene, 6)
      assert.equal(await kubectl('taint nodes node-1 team=red:NoSchedule'), 'node/node-1 tainted')
      assert.match(
        await kubectl.refused('taint nodes node-1 team=red:NoSchedule'),
        /^error: node node-1 already has team taint\(s\) with same effect\(s\) and --overwrite is false$/,
      )
      assert.match(await kubectl('describe node node-1'), /^Taints: +team=red:NoSchedule$/m)
      assert.deepEqual(await nodesOf(scene), ['node-1', 'node-2', 'node-3'], 'those that are there stay')
      await scale(scene, 0)
      await scale(scene, 6)
      assert.deepEqual(await nodesOf(scene), ['node-2', 'node-3'])

      assert.equal(await kubectl('taint nodes node-2 team=red:NoExecute'), 'node/node-2 tainted')
      await settle()
      assert.deepEqual(await nodesOf(scene), ['node-3'])

      const tolerations = [{ key: 'team', operator: 'Exists' }]
      await kubectl(`patch deployment nginx -p '${JSON.stringify({ spec: { template: { spec: { tolerations } } } })}'`)
      await kubectl('taint nodes node-3 team=blue:NoExecute')
      await settle()
      await scale(scene, 0)
      await scale(scene, 6)
      assert.deepEqual(await nodesOf(scene), ['node-1', 'node-2', 'node-3'])
      assert.equal(await kubectl('taint nodes node-1 team-'), 'node/node-1 untainted')
      assert.match(await kubectl('describe node node-1'), /^Taints: +<none>$/m)
    },

    'Labels choose nodes for pods, and a pod that fits nowhere says why': async (scene) => {
      const { kubectl, settle } = scene
      assert.equal(await kubectl('label nodes node-2 disk=ssd'), 'node/node-2 labeled')
      await kubectl('create -f -', podWith({ nodeSelector: { disk: 'ssd' } }, 'selected'))
      await kubectl('create -f -', podWith({ nodeSelector: { disk: 'tape' } }, 'homeless'))
      const affinity = {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: 'disk', operator: 'DoesNotExist' }] }],
          },
        },
      }
      await kubectl('create -f -', podWith({ affinity }, 'elsewhere'))
      await kubectl('taint nodes node-3 full=:NoSchedule')
      await settle()
      const nodes = await places(scene)
      assert.equal(nodes.get('selected'), 'node-2')
      assert.match(nodes.get('elsewhere')!, /node-[13]/)
      const [homeless] = await kubectl.rows('get pod homeless')
      assert.deepEqual([homeless?.['READY'], homeless?.['STATUS']], ['0/1', 'Pending'])
      assert.match(
        await kubectl('describe pod homeless'),
        /Warning +FailedScheduling +\S+ +default-scheduler +0\/3 nodes are available: .*3 node\(s\) didn't match Pod's node affinity\/selector/,
      )
      assert.equal(await kubectl('label nodes node-1 disk=tape'), 'node/node-1 labeled')
      await kubectl('wait --for=condition=Ready pod/homeless --timeout=20s')
      assert.equal((await places(scene)).get('homeless'), 'node-1')
    },

    'Labels and annotations of a node are set, changed and taken away': async ({ kubectl }) => {
      assert.equal(await kubectl('label node node-1 rack=a'), 'node/node-1 labeled')
      assert.equal(
        await kubectl.refused('label node node-1 rack=b'),
        "error: 'rack' already has a value (a), and --overwrite is false",
      )
      assert.equal(await kubectl('label node node-1 rack=b --overwrite'), 'node/node-1 labeled')
      assert.deepEqual(
        (await kubectl.rows('get nodes -L rack')).map((row) => row['RACK']),
        ['b', '', ''],
      )
      assert.equal((await kubectl.rows('get nodes -l rack=b')).length, 1)
      assert.match(await kubectl('label node node-1 rack-'), /^node\/node-1 (un)?labeled$/)
      assert.equal(await kubectl('get nodes -l rack'), '')
      assert.equal(await kubectl('annotate node node-1 note="to be replaced"'), 'node/node-1 annotated')
      assert.equal(await kubectl.read('get node node-1', '{.metadata.annotations.note}'), 'to be replaced')
      assert.equal(await kubectl('annotate node node-1 note-'), 'node/node-1 annotated')
      assert.match(await kubectl.refused("label node node-1 'a b=c'"), /Invalid|invalid/)
    },

    'A dead node is cordoned, its drain waits in vain, and it can be deleted all the same [FLR-04 FLR-06 FLR-07]':
      async (scene) => {
        const { kubectl, cluster } = scene
        await deploy(scene, 3)
        const before = await places(scene)
        cluster.nodes!.crash('node-1')
        const { code, stdout, stderr } = await kubectl.run('drain node-1 --force --ignore-daemonsets --timeout=2s')
        assert.equal(code, 1)
        assert.match(`${stdout}${stderr}`, /^node\/node-1 cordoned$(.|\n)*^evicting pod story-\d+\/nginx-/m)
        assert.match(stderr, /global timeout reached: 2s|context deadline exceeded/)
        assert.equal(await kubectl('delete nodes node-1'), 'node "node-1" deleted')
        assert.match(await kubectl.refused('get node node-1'), /not found$/)
        const [pod] = [...before].find(([, node]) => node === 'node-1')!
        const [row] = await kubectl.rows(`get pod ${pod} -o wide`)
        assert.deepEqual([row?.['STATUS'], row?.['NODE']], ['Terminating', 'node-1'])
        await kubectl('rollout status deployment nginx --timeout=20s')
        assert.equal((await kubectl.rows('get deployment nginx'))[0]?.['READY'], '3/3')
      },

    'Describe shows conditions, room, pods and taints of a node': async (scene) => {
      const { kubectl } = scene
      await kubectl('delete node node-2 node-3')
      await kubectl('create deployment nginx --image=nginx')
      await kubectl('set resources deployment nginx --requests=cpu=2,memory=1Gi --limits=cpu=4')
      await kubectl('rollout status deployment nginx')
      await scene.settle()
      await kubectl('cordon node-1')
      const text = await kubectl('describe node node-1')
      for (const line of [
        /^Name: +node-1$/m,
        /^Roles: +<none>$/m,
        /^Taints: +node\.kubernetes\.io\/unschedulable:NoSchedule$/m,
        /^Unschedulable: +true$/m,
        /^ +HolderIdentity: +node-1$/m,
        /^ +MemoryPressure +False .*KubeletHasSufficientMemory +kubelet has sufficient memory available$/m,
        /^ +Ready +True .*KubeletReady +kubelet is posting ready status$/m,
        /^ +Kubelet Version: +v1\.36\.2$/m,
        /^PodCIDR: +10\.244\.0\.0\/24$/m,
        /^Non-terminated Pods: +\(1 in total\)$/m,
        /^ +story-\d+ +nginx-\S+ +2 \(25%\) +4 \(50%\) +1Gi \(3%\) +0 \(0%\)/m,
        /^ +cpu +2 \(25%\) +4 \(50%\)$/m,
        /^ +memory +1Gi \(3%\) +0 \(0%\)$/m,
      ])
        assert.match(text, line)
    },
  },
  { own: true },
)

function podWith(spec: object, name: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { containers: [{ name: 'main', image: 'nginx' }], ...spec },
  })
}
