import assert from 'node:assert/strict'
import { stories } from '../support/kubectl.ts'

stories({
  'Describe tells the life of a pod [OBS-01]': async ({ kubectl, settle }) => {
    await kubectl('run web --image=nginx --labels=app=web')
    await kubectl('wait --for=condition=Ready pod/web --timeout=20s')
    await settle()
    const text = await kubectl('describe pod web')
    assert.match(text, /^ +Type +Reason +Age +From +Message$/m)
    assert.deepEqual(
      [...text.matchAll(/^ +Normal +(\w+) /gm)].map(([, reason]) => reason).filter((reason) => reason !== 'Pulling'),
      ['Scheduled', 'Pulled', 'Created', 'Started'],
    )
    assert.match(text, /^Status: +Running$/m)
    assert.match(text, /^Node: +node-\d\/\d+\.\d+\.\d+\.\d+$/m)
    assert.match(text, /^ +Ready +True *$/m)
    assert.match(text, /^QoS Class: +BestEffort$/m)
    const events = await kubectl.rows('get events --field-selector=involvedObject.name=web')
    assert.deepEqual(Object.keys(events[0]!), ['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE'])
    assert.ok(events.every((event) => event['OBJECT'] === 'pod/web'))
  },

  'On simulated nodes logs and exec say that no container runs [OBS-02 OBS-04]': async ({ kubectl }) => {
    await kubectl('run web --image=nginx')
    await kubectl('wait --for=condition=Ready pod/web --timeout=20s')
    assert.match(await kubectl.refused('logs web'), /simulated/)
    assert.match(await kubectl.refused('exec web -- sh'), /simulated/)
  },

  'A watch prints a line per change under one header [OBS-03 OBS-09]': async ({ kubectl }) => {
    await kubectl('run web --image=nginx')
    const watch = kubectl.start('get pods -w')
    await watch.said(/1\/1 +Running/)
    await kubectl('delete pod web')
    await watch.said(/Terminating/)
    const { stdout } = await watch.interrupt()
    assert.equal([...stdout.matchAll(/^NAME +READY +STATUS +RESTARTS +AGE$/gm)].length, 1)
    assert.match(stdout, /^web +1\/1 +Running +0 +\S+\n(.*\n)*web +\d\/1 +Terminating/m)
  },

  'Objects as YAML, JSON, raw, by path and in columns [OBS-05]': async ({ kubectl, namespace }) => {
    await kubectl('create configmap settings --from-literal=level=info --from-literal=name=a')
    assert.match(
      await kubectl('get configmap settings -o yaml'),
      /^apiVersion: v1\ndata:\n {2}level: info\n {2}name: a\nkind: ConfigMap\n/,
    )
    assert.deepEqual(JSON.parse(await kubectl('get configmap settings -o json')).data, { level: 'info', name: 'a' })
    const raw = JSON.parse(await kubectl(`get --raw /api/v1/namespaces/${namespace}/configmaps/settings`))
    assert.equal(raw.kind, 'ConfigMap')
    assert.equal(await kubectl.read('get cm settings', '{.data.level}'), 'info')
    assert.equal(
      await kubectl('get cm settings -o custom-columns=NAME:.metadata.name,LEVEL:.data.level'),
      'NAME       LEVEL\nsettings   info',
    )
    assert.equal(await kubectl('get cm settings -o name'), 'configmap/settings')
    await kubectl('create secret generic keys --from-literal=key=value')
    assert.equal(await kubectl.read('get secret keys', '{.data.key}'), 'dmFsdWU=')
    const [secret] = await kubectl.rows('get secret keys')
    assert.deepEqual([secret?.['TYPE'], secret?.['DATA']], ['Opaque', '1'])
  },

  'Commands act in the namespace of the context, and namespaces go with all they hold [OBS-06]': async ({
    kubectl,
    namespace,
    settle,
  }) => {
    const { stderr } = await kubectl.run('get pods')
    assert.equal(stderr, `No resources found in ${namespace} namespace.\n`)
    assert.equal(await kubectl('create namespace passing'), 'namespace/passing created')
    assert.match(await kubectl.refused('create namespace passing'), /namespaces "passing" already exists$/)
    await settle()
    await kubectl('create deployment web --image=nginx -n passing')
    await settle()
    assert.equal((await kubectl.rows('get pods -n passing')).length, 1)
    assert.equal((await kubectl.rows('get ns passing'))[0]?.['STATUS'], 'Active')
    assert.match(await kubectl('delete namespace passing'), /^namespace "passing" deleted/)
    assert.match(await kubectl.refused('get ns passing'), /namespaces "passing" not found$/)
    assert.match(
      await kubectl.refused('create deployment web --image=nginx -n passing'),
      /namespaces "passing" not found$/,
    )
  },

  'Labels select: by equality, by sets, and in columns [LBL-01 LBL-02 LBL-03 LBL-04]': async ({ kubectl }) => {
    const labels = {
      one: 'tier=back-end,release_track=canary',
      two: 'tier=back-end,release_track=stable',
      three: 'tier=front-end',
    }
    for (const [name, set] of Object.entries(labels)) await kubectl(`run ${name} --image=nginx --labels=${set}`)
    const select = async (selector: string) =>
      (await kubectl.rows(`get pods -l "${selector}"`)).map((pod) => pod['NAME']).sort()
    assert.deepEqual(await select('tier=back-end,release_track=canary'), ['one'])
    assert.deepEqual(await select('tier in (back-end,front-end)'), ['one', 'three', 'two'])
    assert.deepEqual(await select('tier notin (front-end)'), ['one', 'two'])
    assert.deepEqual(await select('release_track'), ['one', 'two'])
    assert.deepEqual(await select('!release_track'), ['three'])
    assert.deepEqual(await select('tier!=back-end'), ['three'])
    const [shown] = await kubectl.rows('get pod one --show-labels')
    const given = shown?.['LABELS']?.split(',').filter((label) => !label.startsWith('topology.kubernetes.io/'))
    assert.deepEqual(given, ['release_track=canary', 'tier=back-end'])
    assert.deepEqual(
      (await kubectl.rows('get pods -L tier,release_track'))
        .map((pod) => [pod['NAME'], pod['TIER'], pod['RELEASE_TRACK']])
        .sort(),
      [
        ['one', 'back-end', 'canary'],
        ['three', 'front-end', ''],
        ['two', 'back-end', 'stable'],
      ],
    )
    assert.equal(await kubectl('annotate pod one owner=team-a'), 'pod/one annotated')
    assert.deepEqual(await select('owner'), [undefined].filter(Boolean))
    assert.match(await kubectl.refused('get pods -l "tier in back"'), /unable to parse requirement/)
  },

  'What the server has to say about itself': async ({ kubectl }) => {
    assert.match(await kubectl('cluster-info'), /Kubernetes control plane.* is running at .*https:\/\/127\.0\.0\.1:\d+/)
    assert.match(await kubectl('version'), /v1\.36\.2/)
    const resources = await kubectl.rows('api-resources')
    assert.deepEqual(
      resources.filter((row) => row['NAME'] === 'deployments').map((row) => [row['SHORTNAMES'], row['KIND']]),
      [['deploy', 'Deployment']],
    )
    assert.ok((await kubectl('api-versions')).split('\n').includes('apps/v1'))
    assert.match(await kubectl('auth can-i --list'), /^\*\.\* +\[\] +\[\] +\[\*\]$/m)
    assert.equal(await kubectl('auth can-i create pods'), 'yes')
    const nobody = await kubectl.run('auth can-i create pods --as=nobody')
    assert.equal(nobody.stdout, 'no\n')
    assert.match(
      await kubectl.refused('get pods --as=nobody'),
      /^Error from server \(Forbidden\): pods is forbidden: User "nobody" cannot list resource "pods" in API group "" in the namespace "story-\d+"$/,
    )
  },

  'Explain comes from what the server publishes': async ({ kubectl }) => {
    const pod = await kubectl('explain pod.spec.containers')
    assert.match(pod, /^KIND: +Pod$/m)
    assert.match(pod, /^ +image\t<string>/m)
    assert.match(await kubectl('explain deployment --recursive'), /^ +progressDeadlineSeconds\t<integer>$/m)
    assert.match(await kubectl.refused('explain pod.spec.nothing'), /field "nothing" does not exist/)
  },

  'Wait waits for a condition, and for the end': async ({ kubectl }) => {
    await kubectl('create deployment web --image=nginx')
    assert.equal(
      await kubectl('wait --for=condition=Available deployment/web --timeout=20s'),
      'deployment.apps/web condition met',
    )
    // Long enough for whoever waits to find them.
    await kubectl('annotate pod -l app=web simulation.coracle.dev/stop-after=3s')
    const waiting = kubectl.run('wait --for=delete pod -l app=web --timeout=20s')
    await kubectl('delete deployment web')
    assert.equal((await waiting).code, 0)
    await kubectl('run stuck --image=nginx --overrides=\'{"apiVersion":"v1","spec":{"nodeName":"nowhere"}}\'')
    assert.match(
      await kubectl.refused('wait --for=condition=Ready pod/stuck --timeout=1s'),
      /^error: timed out waiting for the condition on pods\/stuck$/,
    )
  },

  'A pod that runs to its end stays in the list': async ({ kubectl, settle }) => {
    // It must run for longer than kubectl takes from reading it to watching it: the first state that the watch brings
    // kubectl takes for the one that it has read, and does not print.
    await kubectl(
      'run once --image=busybox --restart=Never --overrides=\'{"apiVersion":"v1","metadata":{"annotations":{"simulation.coracle.dev/exit-after":"3s"}}}\'',
    )
    const watch = kubectl.start('get pod once -w')
    await watch.said(/Completed/)
    await watch.interrupt()
    await settle()
    const [row] = await kubectl.rows('get pod once')
    assert.deepEqual([row?.['READY'], row?.['STATUS'], row?.['RESTARTS']], ['0/1', 'Completed', '0'])
  },
})
