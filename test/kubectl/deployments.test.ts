import assert from 'node:assert/strict'
import { type Scene, stories } from '../support/kubectl.ts'

/** The manifest of the maintenance notes. */
const nginx = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: nginx
  labels: {app: nginx}
spec:
  replicas: 5
  selector:
    matchLabels: {app: nginx}
  template:
    metadata:
      labels: {app: nginx}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: nginx
        image: nginx
        imagePullPolicy: IfNotPresent
        ports: [{containerPort: 80}]
        env: [{name: NAME, value: value}]
`

/** Four replicas unless said otherwise, behind the label app=kubia. */
const kubia = ({ replicas = 4, strategy = '', deadline = 600, annotations = '{}' } = {}) => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: kubia}
spec:
  replicas: ${replicas}
  progressDeadlineSeconds: ${deadline}
  ${strategy}
  selector:
    matchLabels: {app: kubia}
  template:
    metadata:
      labels: {app: kubia}
      annotations: ${annotations}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: nodejs, image: kubia:v1}]
`

/** Makes the pods of the next version fail to start, and waits until nothing moves any more. */
async function rollOutABrokenVersion({ kubectl, settle }: Scene): Promise<void> {
  const template = { metadata: { annotations: { 'simulation.coracle.dev/fail': 'ErrImagePull' } } }
  await kubectl(`patch deployment kubia -p '${JSON.stringify({ spec: { template } })}'`)
  await settle()
}

/** DESIRED of the deployment's ReplicaSets, the larger first. */
async function sizes({ kubectl }: Scene): Promise<number[]> {
  const sets = await kubectl.rows('get rs -l app=kubia')
  return sets.map((row) => Number(row['DESIRED'])).sort((one, other) => other - one)
}

const image = ({ kubectl }: Scene, name = 'kubia') =>
  kubectl.read(`get deployment ${name}`, '{.spec.template.spec.containers[0].image}')

stories({
  'A manifest comes from a dry run, and nothing is created [DEP-01]': async ({ kubectl }) => {
    const yaml = await kubectl('create deploy nginx --image=nginx --dry-run=client -o yaml')
    assert.match(yaml, /^apiVersion: apps\/v1\nkind: Deployment\n/)
    assert.match(yaml, / {2}replicas: 1\n {2}selector:\n {4}matchLabels:\n {6}app: nginx\n {2}strategy: {}\n/)
    assert.match(yaml, / {8}resources: {}\nstatus: {}$/)
    const { stderr } = await kubectl.run('get deployments')
    assert.match(stderr, /^No resources found in story-1 namespace\.$/m)
  },

  'Apply creates, then finds nothing to do, then configures [DEP-02 DEP-04 DEP-05 DEP-07 DEP-28]': async ({
    kubectl,
  }) => {
    const three = nginx.replace('replicas: 5', 'replicas: 3')
    assert.equal(await kubectl('apply -f -', three), 'deployment.apps/nginx created')
    assert.equal(await kubectl('apply -f -', three), 'deployment.apps/nginx unchanged')
    const labelled = three.replace('labels: {app: nginx}', 'labels: {app: nginx, site: one}')
    assert.equal(await kubectl('apply -f -', labelled), 'deployment.apps/nginx configured')
    await kubectl('rollout status deployment nginx')

    const [{ AGE: _, ...deployment } = {}] = await kubectl.rows('get deployments')
    assert.deepEqual(deployment, { NAME: 'nginx', READY: '3/3', 'UP-TO-DATE': '3', AVAILABLE: '3' })

    const pods = await kubectl.rows('get pods -o wide')
    const columns = ['NAME', 'READY', 'STATUS', 'RESTARTS', 'AGE', 'IP', 'NODE', 'NOMINATED NODE', 'READINESS GATES']
    assert.deepEqual(Object.keys(pods[0]!), columns)
    const names = pods.map((pod) => /^nginx-([a-z0-9]{8,10})-([bcdfghjklmnpqrstvwxz2456789]{5})$/.exec(pod['NAME']!))
    assert.equal(new Set(names.map((name) => name?.[1])).size, 1, 'one template, one hash')
    assert.equal(new Set(names.map((name) => name?.[2])).size, 3)
    assert.ok(new Set(pods.map((pod) => pod['NODE'])).size > 1, 'spread over the nodes')

    const [containers] = await kubectl.rows('get deployment nginx -o wide')
    assert.deepEqual(
      [containers?.['CONTAINERS'], containers?.['IMAGES'], containers?.['SELECTOR']],
      ['nginx', 'nginx', 'app=nginx'],
    )
  },

  'Pods without a grace period end at once, and the image that is there is not pulled [DEP-03]': async ({
    kubectl,
  }) => {
    await kubectl('apply -f -', nginx)
    await kubectl('rollout status deployment nginx')
    const policies = await kubectl.read('get pods', '{.items[*].spec.containers[0].imagePullPolicy}')
    assert.equal(policies, Array(5).fill('IfNotPresent').join(' '))
    const [first] = await kubectl.rows('get pods')
    await kubectl(`delete pod ${first!['NAME']}`)
    assert.match(await kubectl.refused(`get pod ${first!['NAME']}`), /^Error from server \(NotFound\): pods "nginx-/)
  },

  'A pod that is deleted comes back under another name; a bare one does not [DEP-06 DEP-30]': async ({
    kubectl,
    settle,
  }) => {
    const bare = 'apiVersion: v1\nkind: Pod\nmetadata: {name: pod1}\nspec: {containers: [{name: pod1, image: nginx}]}'
    assert.equal(await kubectl('apply -f -', bare), 'pod/pod1 created')
    await kubectl('create deployment nginx --image=nginx --replicas=3')
    await kubectl('rollout status deployment nginx')
    const before = (await kubectl.rows('get pods -l app=nginx')).map((pod) => pod['NAME'])
    assert.match(await kubectl(`delete pod ${before[0]} pod1`), /^pod "nginx-\S+" deleted.*\npod "pod1" deleted/)
    await settle()

    const pods = await kubectl.rows('get pods')
    assert.equal(pods.length, 3)
    assert.deepEqual(
      pods.map((pod) => [pod['READY'], pod['STATUS']]),
      Array(3).fill(['1/1', 'Running']),
    )
    assert.equal(pods.filter((pod) => before.includes(pod['NAME'])).length, 2)
  },

  'Scale to 10, to nothing, and to 10 again [DEP-08]': async ({ kubectl, settle }) => {
    await kubectl('apply -f -', nginx)
    for (const replicas of [10, 0, 10]) {
      assert.equal(await kubectl(`scale deploy nginx --replicas=${replicas}`), 'deployment.apps/nginx scaled')
      await settle()
      assert.equal((await kubectl.rows('get pods')).length, replicas)
      const [row] = await kubectl.rows('get deploy nginx')
      assert.equal(row?.['READY'], `${replicas}/${replicas}`)
    }
    assert.match(
      await kubectl.refused('scale deploy nginx --current-replicas=3 --replicas=1'),
      /^error: Expected replicas to be 3, was 10$/,
    )
    assert.match(await kubectl.refused('scale deploy nobody --replicas=1'), /deployments\.apps "nobody" not found$/)
  },

  'A Deployment has a ReplicaSet per template, which keeps the count [DEP-09 WRC-12]': async (scene) => {
    const { kubectl } = scene
    await kubectl('create -f -', kubia())
    await kubectl('rollout status deployment kubia')
    await kubectl('set image deployment kubia nodejs=kubia:v2')
    await kubectl('rollout status deployment kubia')
    assert.deepEqual(await sizes(scene), [4, 0])
    assert.match(await kubectl('describe rs -l app=kubia'), /^Controlled By: +Deployment\/kubia$/m)
    const owner = await kubectl.read('get pods', '{.items[0].metadata.ownerReferences[0].kind}')
    assert.equal(owner, 'ReplicaSet')
  },

  'The cause of a change is kept for the history [DEP-10 DEP-17]': async ({ kubectl }) => {
    await kubectl('create -f - --record', kubia())
    await kubectl('rollout status deployment kubia')
    await kubectl('set image deployment kubia nodejs=kubia:v2 --record')
    await kubectl('rollout status deployment kubia')
    assert.match(
      await kubectl('rollout history deployment kubia'),
      /^deployment\.apps\/kubia ?\nREVISION +CHANGE-CAUSE\n1 +kubectl create --filename=- --record=true\n2 +kubectl set image deployment kubia nodejs=kubia:v2 --record=true$/,
    )
    assert.equal(await kubectl('rollout undo deployment kubia'), 'deployment.apps/kubia rolled back')
    const revisions = (await kubectl.rows('rollout history deployment kubia').then((rows) => rows)).length
    assert.equal(revisions, 3, 'a title line, and the two revisions')
    const history = await kubectl('rollout history deployment kubia')
    assert.deepEqual(
      [...history.matchAll(/^(\d+) +(\S+ \S+)/gm)].map(([, revision, cause]) => [revision, cause]),
      [
        ['2', 'kubectl set'],
        ['3', 'kubectl create'],
      ],
    )
    assert.match(await kubectl('rollout history deployment kubia --revision=2'), /^ +Image:\s+kubia:v2$/m)
  },

  'Rollout status counts the new replicas until all are there [DEP-11 DEP-26]': async ({ kubectl, settle }) => {
    await kubectl('create -f -', kubia({ annotations: "{simulation.coracle.dev/ready-after: '1s'}" }))
    await settle()
    await kubectl('set image deployment kubia nodejs=kubia:v2')
    const status = await kubectl('rollout status deployment kubia')
    assert.match(
      status,
      /^Waiting for deployment "kubia" rollout to finish: \d out of 4 new replicas have been updated\.\.\.$/m,
    )
    assert.match(status, /^deployment "kubia" successfully rolled out$/m)

    await kubectl('set image deployment kubia nodejs=kubia:v3')
    const watching = kubectl.start('rollout status deployment kubia')
    await watching.said(/Waiting/)
    assert.notEqual((await watching.interrupt()).code, 0)
    await settle()
    const images = await kubectl.read('get pods', '{.items[*].spec.containers[0].image}')
    assert.equal(images, Array(4).fill('kubia:v3').join(' '), 'the rollout goes on without kubectl')
  },

  'Edit, patch, apply and replace roll out when they change the template, and only then [DEP-12 DEP-13]': async (
    scene,
  ) => {
    const { kubectl, settle } = scene
    await kubectl('apply -f -', kubia())
    await settle()
    const afterwards = async (version: string, sets: number) => {
      await settle()
      assert.equal(await image(scene), `kubia:${version}`)
      assert.equal((await sizes(scene)).length, sets)
    }
    const edited = await kubectl.run('edit deployment kubia', { editor: 'sed -i s/kubia:v1/kubia:v2/' })
    assert.equal(edited.stdout, 'deployment.apps/kubia edited\n', edited.stderr)
    await afterwards('v2', 2)
    const kept = await kubectl.run('edit deployment kubia', { editor: 'true' })
    assert.equal(`${kept.stdout}${kept.stderr}`, 'Edit cancelled, no changes made.\n')

    const patch = (spec: object) => kubectl(`patch deployment kubia -p '${JSON.stringify({ spec })}'`)
    const v3 = { template: { spec: { containers: [{ name: 'nodejs', image: 'kubia:v3' }] } } }
    assert.equal(await patch(v3), 'deployment.apps/kubia patched')
    await afterwards('v3', 3)
    assert.equal(await patch(v3), 'deployment.apps/kubia patched (no change)')
    assert.equal(await patch({ replicas: 3 }), 'deployment.apps/kubia patched')
    await afterwards('v3', 3)
    assert.equal(await kubectl.read('get deploy kubia', '{.spec.replicas}'), '3')

    assert.equal(
      await kubectl('apply -f -', kubia().replace('kubia:v1', 'kubia:v4')),
      'deployment.apps/kubia configured',
    )
    await afterwards('v4', 4)
    assert.equal(
      await kubectl('replace -f -', kubia().replace('kubia:v1', 'kubia:v5')),
      'deployment.apps/kubia replaced',
    )
    await afterwards('v5', 5)
    assert.deepEqual(await sizes(scene), [4, 0, 0, 0, 0])
  },

  'Apply makes what is missing; replace and create say what is wrong [DEP-14 DEP-31]': async ({ kubectl }) => {
    assert.equal(
      await kubectl.refused('replace -f -', nginx),
      'Error from server (NotFound): error when replacing "STDIN": deployments.apps "nginx" not found',
    )
    assert.equal(await kubectl('apply -f -', nginx), 'deployment.apps/nginx created')
    assert.equal(
      await kubectl.refused('create -f -', nginx),
      'Error from server (AlreadyExists): error when creating "STDIN": deployments.apps "nginx" already exists',
    )
    assert.equal(
      await kubectl.refused('create deployment nginx --image=nginx'),
      'error: failed to create deployment: deployments.apps "nginx" already exists',
    )
  },

  'A changed ConfigMap rolls nothing out; pointing the template at a new one does [DEP-15]': async (scene) => {
    const { kubectl, settle } = scene
    await kubectl('create configmap settings-1 --from-literal=level=info')
    await kubectl('create -f -', kubia())
    await kubectl('set env deployment kubia --from=configmap/settings-1')
    await settle()
    const before = await sizes(scene)
    await kubectl(`patch configmap settings-1 -p '{"data":{"level":"debug"}}'`)
    await settle()
    assert.deepEqual(await sizes(scene), before)
    await kubectl('create configmap settings-2 --from-literal=level=debug')
    await kubectl('set env deployment kubia --from=configmap/settings-2')
    await settle()
    assert.equal((await sizes(scene)).length, before.length + 1)
  },

  'Undo goes to the version before, out of a stuck rollout too, or to any that is kept [DEP-16 DEP-18]': async (
    scene,
  ) => {
    const { kubectl } = scene
    await kubectl('create -f -', kubia())
    await kubectl('rollout status deployment kubia')
    await kubectl('set image deployment kubia nodejs=kubia:v2')
    await kubectl('rollout status deployment kubia')
    await rollOutABrokenVersion(scene)
    const [stuck] = await kubectl.rows('get deployment kubia')
    assert.deepEqual([stuck?.['READY'], stuck?.['UP-TO-DATE'], stuck?.['AVAILABLE']], ['3/4', '2', '3'])

    assert.equal(await kubectl('rollout undo deployment kubia'), 'deployment.apps/kubia rolled back')
    assert.match(await kubectl('rollout status deployment kubia'), /successfully rolled out$/)
    assert.equal(await image(scene), 'kubia:v2')

    assert.equal(await kubectl('rollout undo deployment kubia --to-revision=1'), 'deployment.apps/kubia rolled back')
    assert.match(await kubectl('rollout status deployment kubia'), /successfully rolled out$/)
    assert.equal(await image(scene), 'kubia:v1')
    assert.equal(
      await kubectl.refused('rollout undo deployment kubia --to-revision=9'),
      'error: unable to find specified revision 9 in history',
    )
    assert.match(
      await kubectl('rollout undo deployment kubia --to-revision=5'),
      /^deployment\.apps\/kubia skipped rollback \(current template already matches revision 5\)$/,
    )
  },

  'A rollout has a quarter more pods at most and a quarter less, rounded the safe way [DEP-19 DEP-20]': async (
    scene,
  ) => {
    const { kubectl, settle } = scene
    await kubectl('create -f -', kubia())
    await settle()
    await rollOutABrokenVersion(scene)
    assert.deepEqual(await sizes(scene), [3, 2])
    const [row] = await kubectl.rows('get deployment kubia')
    assert.equal(row?.['READY'], '3/4')
    const statuses = (await kubectl.rows('get pods'))
      .map((pod) => pod['STATUS']!.replace('ImagePullBackOff', 'ErrImagePull'))
      .sort()
    assert.deepEqual(statuses, ['ErrImagePull', 'ErrImagePull', 'Running', 'Running', 'Running'])
  },

  'Three replicas lose none, ten may lose two, and one may go where nothing else would [DEP-21]': async (scene) => {
    const { kubectl, settle } = scene
    const allZero = 'strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 5%}}'
    for (const { replicas, strategy, expected } of [
      { replicas: 3, strategy: '', expected: [3, 1] },
      { replicas: 10, strategy: '', expected: [8, 5] },
      { replicas: 4, strategy: allZero, expected: [3, 1] },
    ]) {
      await kubectl('create -f -', kubia({ replicas, strategy }))
      await settle()
      await rollOutABrokenVersion(scene)
      assert.deepEqual(await sizes(scene), expected, `${replicas} replicas`)
      await kubectl('delete deployment kubia --cascade=foreground')
      await settle()
    }
  },

  'A rollout that does not get on fails after its deadline and is not undone [DEP-22]': async (scene) => {
    const { kubectl, settle } = scene
    assert.match(await kubectl('create -f -', kubia()), /created$/)
    assert.equal(await kubectl.read('get deployment kubia', '{.spec.progressDeadlineSeconds}'), '600')
    await kubectl(`patch deployment kubia -p '{"spec":{"progressDeadlineSeconds":1}}'`)
    await settle()
    await rollOutABrokenVersion(scene)
    assert.equal(
      await kubectl.refused('rollout status deployment kubia'),
      'error: deployment "kubia" exceeded its progress deadline',
    )
    assert.match(await kubectl('describe deployment kubia'), /^ +Progressing +False +ProgressDeadlineExceeded$/m)
    assert.deepEqual(await sizes(scene), [3, 2])
  },

  'A paused Deployment collects changes; resumed it rolls them out in one go [DEP-23]': async (scene) => {
    const { kubectl, settle } = scene
    await kubectl('create -f -', kubia())
    await settle()
    await kubectl('set image deployment kubia nodejs=kubia:v1.1')
    await settle()
    assert.equal(await kubectl('rollout pause deployment kubia'), 'deployment.apps/kubia paused')
    assert.match(
      await kubectl.refused('rollout pause deployment kubia'),
      /^error: deployments\.apps "kubia" is already paused$/,
    )
    await kubectl('set image deployment kubia nodejs=kubia:v2')
    await kubectl('set resources deployment kubia --limits=cpu=200m')
    await settle()
    assert.deepEqual(await sizes(scene), [4, 0])
    assert.match(
      await kubectl.refused('rollout undo deployment kubia'),
      /^error: you cannot rollback a paused deployment; resume it first with '?kubectl rollout resume/,
    )
    assert.equal(await kubectl('rollout resume deployment kubia'), 'deployment.apps/kubia resumed')
    await settle()
    assert.deepEqual(await sizes(scene), [4, 0, 0])
    assert.match(
      await kubectl.refused('rollout resume deployment kubia'),
      /^error: deployments\.apps "kubia" is not paused$/,
    )
  },

  'Restart replaces every pod by one of the same image': async (scene) => {
    const { kubectl } = scene
    await kubectl('create -f -', kubia())
    await kubectl('rollout status deployment kubia')
    const uids = async () => new Set((await kubectl.read('get pods', '{.items[*].metadata.uid}')).split(' '))
    const before = await uids()
    assert.equal(await kubectl('rollout restart deployment kubia'), 'deployment.apps/kubia restarted')
    await kubectl('rollout status deployment kubia')
    await scene.settle()
    const after = await uids()
    assert.equal(after.size, 4)
    assert.ok(after.isDisjointFrom(before))
    assert.equal(await image(scene), 'kubia:v1')
  },

  'A canary: a few pods of the new version behind the same Service [DEP-24]': async ({ kubectl, settle }) => {
    await kubectl('create deployment stable --image=kubia:v1 --replicas=3')
    await kubectl('create deployment canary --image=kubia:v2 --replicas=1')
    for (const name of ['stable', 'canary'])
      await kubectl(`patch deployment ${name} -p '{"spec":{"template":{"metadata":{"labels":{"tier":"front"}}}}}'`)
    await kubectl('expose deployment stable --port=80 --name=front --selector=tier=front')
    await settle()
    const addresses = await kubectl.read('get endpoints front', '{.subsets[*].addresses[*].ip}')
    const pods = await kubectl.read('get pods -l tier=front', '{.items[*].status.podIP}')
    assert.equal(addresses.split(' ').length, 4)
    assert.deepEqual(addresses.split(' ').sort(), pods.split(' ').sort())
  },

  'Blue and green: the Service is switched from one full set to the other [DEP-25]': async ({ kubectl, settle }) => {
    for (const colour of ['blue', 'green']) await kubectl(`create deployment ${colour} --image=kubia --replicas=2`)
    await kubectl('expose deployment blue --port=80 --name=front')
    await settle()
    const behind = async () => (await kubectl.read('get endpoints front', '{.subsets[*].addresses[*].ip}')).split(' ')
    const of = async (app: string) =>
      (await kubectl.read(`get pods -l app=${app}`, '{.items[*].status.podIP}')).split(' ')
    assert.deepEqual((await behind()).sort(), (await of('blue')).sort())
    await kubectl('set selector service front app=green')
    await settle()
    assert.deepEqual((await behind()).sort(), (await of('green')).sort())
  },

  'From ReplicationControllers to a Deployment behind a Service that stays [DEP-27 WRC-14]': async ({
    kubectl,
    settle,
  }) => {
    for (const version of ['v1', 'v2'])
      await kubectl(
        'create -f -',
        `
apiVersion: v1
kind: ReplicationController
metadata: {name: 'kubia-${version}'}
spec: {replicas: 2,
          template: {metadata: {labels: {app: kubia, version: '${version}'}}, spec: {terminationGracePeriodSeconds: 0, containers: [{name: nodejs, image: kubia}]}}}`,
      )
    await kubectl('expose rc kubia-v1 --port=80 --name=kubia --selector=app=kubia')
    await settle()
    assert.match(
      await kubectl('delete rc --all'),
      /^replicationcontroller "kubia-v1" deleted.*\nreplicationcontroller "kubia-v2" deleted/,
    )
    await settle()
    assert.equal(await kubectl('get pods --ignore-not-found'), '')
    await kubectl('create -f -', kubia())
    await kubectl('rollout status deployment kubia')
    await settle()
    const addresses = await kubectl.read('get endpoints kubia', '{.subsets[*].addresses[*].ip}')
    assert.equal(addresses.split(' ').length, 4)
  },

  'Describe shows the strategy, the conditions, the ReplicaSets and what happened [DEP-29]': async (scene) => {
    const { kubectl, settle } = scene
    await kubectl('create -f -', kubia())
    await settle()
    await rollOutABrokenVersion(scene)
    const text = await kubectl('describe deployment kubia')
    for (const line of [
      /^Selector: +app=kubia$/m,
      /^Replicas: +4 desired \| 2 updated \| 5 total \| 3 available \| 2 unavailable$/m,
      /^StrategyType: +RollingUpdate$/m,
      /^RollingUpdateStrategy: +25% max unavailable, 25% max surge$/m,
      /^ +Image: +kubia:v1$/m,
      /^ +Available +True +MinimumReplicasAvailable$/m,
      /^ +Progressing +True +ReplicaSetUpdated$/m,
      /^OldReplicaSets: +kubia-\w+ \(3\/3 replicas created\)$/m,
      /^NewReplicaSet: +kubia-\w+ \(2\/2 replicas created\)$/m,
      /^ +Normal +ScalingReplicaSet +\S+ +deployment-controller +Scaled up replica set kubia-\w+ from 0 to 4$/m,
      /^ +Normal +ScalingReplicaSet +\S+ +deployment-controller +Scaled down replica set kubia-\w+ from 4 to 3$/m,
    ])
      assert.match(text, line)
  },
})
