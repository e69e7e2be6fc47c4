import assert from 'node:assert/strict'
import { type Scene, stories } from '../support/kubectl.ts'

const controller = ({ name = 'myweb', replicas = 3, image = 'myweb:v1', labels = {} } = {}) => {
  const selector = { app: 'myweb', ...labels }
  const containers = [
    {
      name: 'myweb',
      image,
      ports: [{ containerPort: 8080 }],
      env: [{ name: 'MYSQL_SERVICE_HOST', value: 'mysql' }],
    },
  ]
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'ReplicationController',
    metadata: { name },
    spec: {
      replicas,
      selector,
      template: { metadata: { labels: selector }, spec: { terminationGracePeriodSeconds: 0, containers } },
    },
  })
}

const names = async ({ kubectl }: Scene, selector = 'app=myweb') =>
  (await kubectl.rows(`get pods -l ${selector}`)).map((pod) => pod['NAME']!)

stories({
  'A ReplicationController keeps its count [WRC-01 WRC-02 WRC-13]': async (scene) => {
    const { kubectl, settle } = scene
    assert.equal(await kubectl('create -f -', controller()), 'replicationcontroller/myweb created')
    await settle()
    const [{ AGE: _, ...row } = {}] = await kubectl.rows('get rc')
    assert.deepEqual(row, { NAME: 'myweb', DESIRED: '3', CURRENT: '3', READY: '3' })
    const before = await names(scene)
    assert.equal(before.length, 3)
    await kubectl(`delete pod ${before[0]}`)
    await settle()
    const after = await names(scene)
    assert.equal(after.length, 3)
    assert.ok(!after.includes(before[0]!))

    await kubectl('run surplus --image=myweb:v1 --labels=app=myweb')
    await settle()
    assert.equal((await names(scene)).length, 3, 'one more than wanted is one too many')
    const text = await kubectl('describe rc myweb')
    assert.match(text, /^Replicas: +3 current \/ 3 desired$/m)
    assert.match(text, /^Pods Status: +3 Running \/ 0 Waiting \/ 0 Succeeded \/ 0 Failed$/m)
    assert.match(text, /Normal +SuccessfulCreate .*replication-controller +Created pod: myweb-\w{5}$/m)
  },

  'The count changes by scale and by edit [WRC-04 WRC-08]': async (scene) => {
    const { kubectl, settle } = scene
    await kubectl('create -f -', controller())
    assert.equal(await kubectl('scale rc myweb --replicas=5'), 'replicationcontroller/myweb scaled')
    await settle()
    assert.equal((await names(scene)).length, 5)
    const edited = await kubectl.run('edit rc myweb', { editor: 'sed -i "s/replicas: 5/replicas: 1/"' })
    assert.equal(edited.stdout, 'replicationcontroller/myweb edited\n', edited.stderr)
    await settle()
    assert.equal((await names(scene)).length, 1)
  },

  'Its pods go with it, unless they are to be orphans [WRC-05]': async (scene) => {
    const { kubectl, settle } = scene
    await kubectl('create -f -', controller())
    await settle()
    const before = await names(scene)
    assert.match(await kubectl('delete rc myweb --cascade=orphan'), /^replicationcontroller "myweb" deleted/)
    await settle()
    assert.deepEqual(await names(scene), before)
    assert.equal(await kubectl.read(`get pod ${before[0]}`, '{.metadata.ownerReferences}'), '')

    await kubectl('create -f -', controller())
    await settle()
    assert.deepEqual(await names(scene), before, 'a new one of the same selector adopts them')
    await kubectl('delete rc myweb')
    await settle()
    assert.equal(await kubectl('get pods --ignore-not-found'), '')
  },

  'A pod whose label is changed is let go and replaced [WRC-06]': async (scene) => {
    const { kubectl, settle } = scene
    await kubectl('create -f -', controller())
    await settle()
    const [first] = await names(scene)
    assert.equal(await kubectl(`label pod ${first} app=debug --overwrite`), `pod/${first} labeled`)
    await settle()
    assert.equal((await names(scene)).length, 3)
    assert.deepEqual(await names(scene, 'app=debug'), [first])
    assert.equal(await kubectl.read(`get pod ${first}`, '{.metadata.ownerReferences}'), '')
  },

  'Replace wants the object to be there [WRC-07]': async ({ kubectl }) => {
    assert.match(
      await kubectl.refused('replace -f -', controller()),
      /^Error from server \(NotFound\): error when replacing "STDIN": replicationcontrollers "myweb" not found$/,
    )
    await kubectl('create -f -', controller())
    assert.equal(await kubectl('replace -f -', controller({ replicas: 2 })), 'replicationcontroller/myweb replaced')
  },

  'There is no rolling-update any more; by hand one grows while the other shrinks [WRC-09 WRC-10 WRC-11]': async (
    scene,
  ) => {
    const { kubectl, settle } = scene
    await kubectl('create -f -', controller({ name: 'myweb-1', labels: { version: 'v1' } }))
    await settle()
    assert.match(
      await kubectl.refused('rolling-update myweb-1 -f web-rc2.yaml'),
      /unknown command "rolling-update" for "kubectl"/,
    )
    await kubectl(
      'create -f -',
      controller({ name: 'myweb-2', replicas: 0, image: 'myweb:v2', labels: { version: 'v2' } }),
    )
    for (const step of [1, 2, 3]) {
      await kubectl(`scale rc myweb-2 --replicas=${step}`)
      await kubectl(`scale rc myweb-1 --replicas=${3 - step}`)
      await settle()
      assert.equal((await names(scene, 'version=v2')).length, step)
      assert.equal((await names(scene)).length, 3)
    }
    await kubectl('delete rc myweb-1')
    assert.equal((await kubectl.rows('get rc')).length, 1)
  },

  'A changed image is for pods that come later [WRC-17]': async (scene) => {
    const { kubectl, settle } = scene
    await kubectl('create -f -', controller())
    await settle()
    await kubectl('set image rc myweb myweb=myweb:v2')
    await settle()
    const images = () => kubectl.read('get pods', '{.items[*].spec.containers[0].image}')
    assert.equal(await images(), 'myweb:v1 myweb:v1 myweb:v1')
    await kubectl(`delete pod ${(await names(scene))[0]}`)
    await settle()
    assert.deepEqual((await images()).split(' ').sort(), ['myweb:v1', 'myweb:v1', 'myweb:v2'])
  },

  'A template must restart its containers always, a bare pod need not [WRC-15]': async ({ kubectl }) => {
    const never = controller().replace(
      '"terminationGracePeriodSeconds"',
      '"restartPolicy":"Never","terminationGracePeriodSeconds"',
    )
    assert.match(
      await kubectl.refused('create -f -', never),
      /The ReplicationController "myweb" is invalid: spec\.template\.spec\.restartPolicy: Unsupported value: "Never": supported values: "Always"$/,
    )
    assert.equal(await kubectl('run once --image=nginx --restart=Never'), 'pod/once created')
  },

  'A selector that does not match its template is refused [LBL-05]': async ({ kubectl }) => {
    const wrong = controller().replace('"selector":{"app":"myweb"}', '"selector":{"app":"other"}')
    assert.match(
      await kubectl.refused('create -f -', wrong),
      /^The ReplicationController "myweb" is invalid: spec\.template\.metadata\.labels: Invalid value: .*: `selector` does not match template `labels`$/,
    )
    const deployment = await kubectl('create deployment web --image=nginx --dry-run=client -o json')
    assert.match(
      await kubectl.refused('create -f -', deployment.replace(/("matchLabels": {\s*"app": )"web"/, '$1"other"')),
      /^The Deployment "web" is invalid: spec\.template\.metadata\.labels: Invalid value: .*: `selector` does not match template `labels`$/,
    )
  },
})
