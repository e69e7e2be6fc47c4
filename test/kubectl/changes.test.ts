import assert from 'node:assert/strict'
import { stories } from '../support/kubectl.ts'

const settings = (data: Record<string, string>, metadata: object = {}) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', ...metadata }, data })

stories({
  'Parts of a workload are set by their names': async ({ kubectl, namespace }) => {
    await kubectl('create deployment web --image=nginx')
    const template = async (path: string) => kubectl.read('get deployment web', `{.spec.template.spec.${path}}`)
    assert.equal(await kubectl('set image deployment/web nginx=nginx:2'), 'deployment.apps/web image updated')
    assert.equal(await template('containers[0].image'), 'nginx:2')
    assert.match(
      await kubectl.refused('set image deployment/web none=nginx:2'),
      /^error: unable to find container named "none"$/,
    )

    assert.equal(await kubectl('set env deployment/web LEVEL=info COLOUR=red'), 'deployment.apps/web env updated')
    assert.match(await kubectl('set env deployment/web --list'), /^LEVEL=info\nCOLOUR=red$/m)
    await kubectl('set env deployment/web COLOUR-')
    assert.equal(await template('containers[0].env[*].name'), 'LEVEL')

    await kubectl('set resources deployment web --requests=cpu=100m --limits=memory=1Gi')
    assert.equal(await template('containers[0].resources.requests.cpu'), '100m')
    assert.match(
      await kubectl.refused('set resources deployment web --requests=cpu=2 --limits=cpu=1'),
      /Invalid value: "2": must be less than or equal to cpu limit/,
    )

    await kubectl('create serviceaccount robot')
    assert.equal(await kubectl('set serviceaccount deployment web robot'), 'deployment.apps/web serviceaccount updated')
    assert.equal(await template('serviceAccountName'), 'robot')

    await kubectl('create service clusterip web --tcp=80')
    assert.equal(await kubectl('set selector service web tier=front'), 'service/web selector updated')
    assert.equal(
      await kubectl.read('get service web', '{.spec.selector}').then(JSON.stringify),
      '"{\\"tier\\":\\"front\\"}"',
    )

    await kubectl('create rolebinding readers --clusterrole=view --user=ann')
    const subjects = `--user=bob --group=team --serviceaccount=${namespace}:robot`
    assert.match(
      await kubectl(`set subject rolebinding readers ${subjects}`),
      /^rolebinding\S* ?\S*readers.* subjects updated$/,
    )
    assert.equal(await kubectl.read('get rolebinding readers', '{.subjects[*].name}'), 'ann bob team robot')
  },

  'Annotations come, change when that is meant, and go': async ({ kubectl }) => {
    await kubectl('create -f -', settings({}))
    const annotations = async () =>
      JSON.parse(await kubectl('get configmap settings -o json')).metadata.annotations as object | undefined
    assert.equal(await kubectl('annotate configmap settings colour=red size=1'), 'configmap/settings annotated')
    assert.match(
      await kubectl.refused('annotate configmap settings colour=blue'),
      /--overwrite is false but found .*'colour' already has a value \(red\)/,
    )
    await kubectl('annotate configmap settings colour=blue size- --overwrite')
    assert.deepEqual(await annotations(), { colour: 'blue' })
    const { metadata } = JSON.parse(await kubectl('get configmap settings -o json'))
    assert.match(
      await kubectl.refused('annotate configmap settings colour=red --overwrite --resource-version=1'),
      /the object has been modified; please apply your changes to the latest version and try again/,
    )
    await kubectl(`annotate configmap settings colour=green --overwrite --resource-version=${metadata.resourceVersion}`)
    assert.deepEqual(await annotations(), { colour: 'green' })
    await kubectl('annotate configmaps --all season=winter')
    assert.deepEqual(await annotations(), { colour: 'green', season: 'winter' })
  },

  'An object is replaced as a whole, on what was read of it, or by a new one': async ({ kubectl }) => {
    assert.match(
      await kubectl.refused('replace -f -', settings({ level: 'info' })),
      /^Error from server \(NotFound\): .*configmaps "settings" not found$/,
    )
    await kubectl('create -f -', settings({ level: 'info', colour: 'red' }))
    const read = JSON.parse(await kubectl('get configmap settings -o json'))
    assert.equal(await kubectl('replace -f -', settings({ level: 'debug' })), 'configmap/settings replaced')
    const { data, metadata } = JSON.parse(await kubectl('get configmap settings -o json'))
    assert.deepEqual(data, { level: 'debug' })
    assert.match(
      await kubectl.refused('replace -f -', JSON.stringify(read)),
      /^Error from server \(Conflict\): .*the object has been modified; please apply your changes to the latest version/,
    )
    await kubectl('replace --force -f -', settings({ level: 'warn' }))
    const anew = JSON.parse(await kubectl('get configmap settings -o json'))
    assert.notEqual(anew.metadata.uid, metadata.uid)
    assert.deepEqual(anew.data, { level: 'warn' })
  },

  'What was edited is stored, and what cannot be stored is given back': async ({ kubectl }) => {
    await kubectl('create -f -', settings({ level: 'info' }))
    const edit = (editor: string) => kubectl.run('edit configmap settings', { editor })
    const kept = await edit('true')
    assert.match(kept.stdout + kept.stderr, /^Edit cancelled, no changes made\.$/m)
    assert.equal((await edit('sed -i s/level:.info/level:\\ debug/')).stdout, 'configmap/settings edited\n')
    assert.equal(await kubectl.read('get configmap settings', '{.data.level}'), 'debug')
    // The second time the editor is opened nothing changes, and the edit is given up.
    const refused = await edit('sed -i s/level:.debug/Level$:\\ debug/')
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /configmaps "settings" is invalid/)
    assert.match(
      refused.stderr,
      /A copy of your changes has been stored to "\S+"\nerror: Edit cancelled, no valid changes were saved\./,
    )
    assert.equal(await kubectl.read('get configmap settings', '{.data.level}'), 'debug')
  },

  'Paths are asked, posted to, put and deleted as they are': async ({ kubectl, namespace }) => {
    const maps = `/api/v1/namespaces/${namespace}/configmaps`
    assert.equal(JSON.parse(await kubectl(`create --raw ${maps} -f -`, settings({ level: 'info' }))).data.level, 'info')
    const put = await kubectl(`replace --raw ${maps}/settings -f -`, settings({ level: 'debug' }))
    assert.equal(JSON.parse(put).data.level, 'debug')
    assert.equal(JSON.parse(await kubectl(`get --raw ${maps}?limit=1`)).kind, 'ConfigMapList')
    assert.equal(await kubectl('get --raw /readyz'), 'ok')
    assert.equal(JSON.parse(await kubectl(`delete --raw ${maps}/settings`)).status, 'Success')
    assert.match(
      await kubectl.refused(`get --raw ${maps}/settings`),
      /^Error from server \(NotFound\): configmaps "settings" not found$/,
    )
  },

  'Resources are listed by group, by verb and by scope': async ({ kubectl }) => {
    const names = async (options: string) => (await kubectl(`api-resources -o name ${options}`)).split('\n')
    const cluster = await names('--namespaced=false')
    assert.ok(cluster.includes('nodes') && !cluster.includes('pods'))
    const apps = await names('--api-group=apps')
    assert.deepEqual(apps.toSorted(), [
      ...['controllerrevisions.apps', 'daemonsets.apps', 'deployments.apps', 'replicasets.apps', 'statefulsets.apps'],
    ])
    const created = await names('--verbs=create')
    assert.ok(created.includes('tokenreviews.authentication.k8s.io'))
    assert.ok(!(await names('--verbs=list,create')).includes('tokenreviews.authentication.k8s.io'))
    assert.match(
      await kubectl('api-resources -o wide --api-group=policy'),
      /^poddisruptionbudgets +pdb .*deletecollection/m,
    )
  },

  'Everything that has a schema is explained to its last field': async ({ kubectl }) => {
    for (const resource of ['pods', 'services', 'jobs', 'networkpolicies', 'customresourcedefinitions', 'nodes']) {
      const text = await kubectl(`explain ${resource} --recursive`)
      assert.match(text, /^ +managedFields\t<\[\]\w+>/m, resource)
      assert.ok(text.split('\n').length > 50, resource)
    }
    assert.match(await kubectl('explain pods.spec.containers.resources --recursive'), /^ +limits\t<map\[string\]/m)
  },

  'Whoever waits sees a value come, an object come and go': async ({ kubectl }) => {
    await kubectl('create -f -', settings({ level: 'info' }))
    if (kubectl.minor >= 23) {
      const waiting = kubectl.run(`wait configmap/settings --for=jsonpath={.data.level}=debug --timeout=20s`)
      await kubectl(`patch configmap settings -p '{"data":{"level":"debug"}}'`)
      assert.equal((await waiting).stdout, 'configmap/settings condition met\n')
    }
    assert.match(
      await kubectl.refused('wait configmap/none --for=condition=Ready --timeout=1s'),
      /configmaps "none" not found|no matching resources found/,
    )
    const gone = kubectl.run('wait configmap/settings --for=delete --timeout=20s')
    await kubectl('delete configmap settings --wait=false')
    const { code, stdout, stderr } = await gone
    // It may be gone before anybody could wait for it.
    assert.ok(code === 0 || /not found|no matching resources found/.test(stderr), stdout + stderr)
  },
})
