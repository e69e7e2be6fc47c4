import assert from 'node:assert/strict'
import { stories } from '../support/kubectl.ts'

const podLimits = `
apiVersion: v1
kind: LimitRange
metadata: {name: resource-limits}
spec:
  limits:
  - type: Pod
    min: {cpu: 500m, memory: 32Mi}
    max: {cpu: "4", memory: 4Gi}
`

const containerDefaults = `
apiVersion: v1
kind: LimitRange
metadata: {name: defaults}
spec:
  limits:
  - type: Container
    min: {cpu: 100m}
    max: {cpu: "2"}
    default: {cpu: 600m}
    defaultRequest: {cpu: 500m}
    maxLimitRequestRatio: {cpu: "4"}
  - type: PersistentVolumeClaim
    min: {storage: 1Gi}
    max: {storage: 10Gi}
`

const quota = (spec: object, name = 'quota') =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name }, spec })

const pod = (name: string, resources: object = {}, more: object = {}) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: 'nginx', resources }], ...more },
  })

const claim = (name: string, storage: string) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'fast', resources: { requests: { storage } } },
  })

/** A refusal, with the words that kubectl puts before what the server says. */
const refusal = (message: string) => `Error from server (Forbidden): error when creating "STDIN": ${message}`

/** The cells of a row that describe prints. */
const cells = (text: string, first: string) =>
  text
    .split('\n')
    .map((line) => line.trim().split(/\s{2,}/))
    .filter((row) => row[0] === first)

stories({
  'A LimitRange refuses pods outside its range, and says each breach [ADM-02 ADM-03 ADM-04]': async ({ kubectl }) => {
    assert.equal(await kubectl('create -f -', podLimits), 'limitrange/resource-limits created')
    assert.equal(
      await kubectl.refused(
        'create -f -',
        pod('lo', { requests: { cpu: '50m', memory: '64Mi' }, limits: { cpu: '1', memory: '64Mi' } }),
      ),
      refusal('pods "lo" is forbidden: minimum cpu usage per Pod is 500m, but request is 50m'),
    )
    assert.equal(
      await kubectl.refused('create -f -', pod('hi', { limits: { cpu: '5', memory: '64Mi' } })),
      refusal('pods "hi" is forbidden: maximum cpu usage per Pod is 4, but limit is 5'),
    )
    assert.match(
      await kubectl.refused('create -f -', pod('both', { limits: { cpu: '5', memory: '5Gi' } })),
      /pods "both" is forbidden: \[maximum (cpu|memory) usage per Pod is 4(Gi)?, but limit is \d+(Gi)?, maximum (cpu|memory) usage per Pod is 4(Gi)?, but limit is \d+(Gi)?\]$/,
    )
    await kubectl('create -f -', pod('fits', { limits: { cpu: '1', memory: '64Mi' } }))
  },

  'Containers that say nothing get the defaults, and the pod says so [ADM-05]': async ({ kubectl }) => {
    await kubectl('create -f -', containerDefaults)
    await kubectl('create -f -', pod('silent'))
    assert.equal(await kubectl.read('get pod silent', '{.spec.containers[0].resources.limits.cpu}'), '600m')
    assert.equal(await kubectl.read('get pod silent', '{.spec.containers[0].resources.requests.cpu}'), '500m')
    assert.match(
      await kubectl('describe pod silent'),
      /kubernetes\.io\/limit-ranger: LimitRanger plugin set: cpu request for container main; cpu limit for container main/,
    )
  },

  'Describe shows the ranges in columns [ADM-06]': async ({ kubectl }) => {
    await kubectl('create -f -', podLimits)
    await kubectl('create -f -', containerDefaults)
    const text = await kubectl('describe limitranges/defaults')
    assert.match(text, /^Type +Resource +Min +Max +Default Request +Default Limit +Max Limit\/Request Ratio *$/m)
    assert.deepEqual(cells(text, 'Container'), [['Container', 'cpu', '100m', '2', '500m', '600m', '4']])
    assert.deepEqual(cells(text, 'PersistentVolumeClaim'), [
      ['PersistentVolumeClaim', 'storage', '1Gi', '10Gi', '-', '-', '-'],
    ])
    const pods = await kubectl('describe limits resource-limits')
    assert.deepEqual(cells(pods, 'Pod').sort(), [
      ['Pod', 'cpu', '500m', '4', '-', '-', '-'],
      ['Pod', 'memory', '32Mi', '4Gi', '-', '-', '-'],
    ])
  },

  'A claim outside the range is refused [ADM-07]': async ({ kubectl }) => {
    await kubectl('create -f -', containerDefaults)
    assert.equal(
      await kubectl.refused('create -f -', claim('c1', '11Gi')),
      refusal(
        'persistentvolumeclaims "c1" is forbidden: maximum storage usage per PersistentVolumeClaim is 10Gi, but request is 11Gi',
      ),
    )
    assert.equal(await kubectl('create -f -', claim('c2', '2Gi')), 'persistentvolumeclaim/c2 created')
  },

  'A LimitRange leaves pods alone that were there before, and other namespaces [ADM-08 ADM-09]': async ({
    kubectl,
    namespace,
    settle,
  }) => {
    await kubectl('create -f -', pod('old', { requests: { cpu: '50m' } }))
    await kubectl('create -f -', podLimits)
    await settle()
    assert.equal((await kubectl.rows('get pod old'))[0]?.['STATUS'], 'Running')
    assert.match(await kubectl.refused('create -f -', pod('new', { requests: { cpu: '50m' } })), /is forbidden/)
    await kubectl(`create namespace ${namespace}-other`)
    await settle()
    await kubectl(`create -n ${namespace}-other -f -`, pod('new', { requests: { cpu: '50m' } }))
  },

  'A ResourceQuota caps what a namespace asks for, and gives back what is deleted [ADM-10 ADM-15 ADM-18]': async ({
    kubectl,
    namespace,
    settle,
  }) => {
    await kubectl('create -f -', quota({ hard: { 'requests.cpu': '2', pods: '3', 'count/configmaps': '5' } }))
    await settle()
    await kubectl('create -f -', pod('one', { requests: { cpu: '1500m' } }))
    assert.equal(
      await kubectl.refused('create -f -', pod('two', { requests: { cpu: '1' } })),
      refusal(
        'pods "two" is forbidden: exceeded quota: quota, requested: requests.cpu=1, used: requests.cpu=1500m, limited: requests.cpu=2',
      ),
    )
    await settle()
    const text = await kubectl('describe resourcequota quota')
    assert.match(text, new RegExp(`^Name: +quota\nNamespace: +${namespace}\nResource +Used +Hard\n--------`))
    assert.deepEqual(cells(text, 'requests.cpu'), [['requests.cpu', '1500m', '2']])
    assert.deepEqual(cells(text, 'pods'), [['pods', '1', '3']])
    assert.deepEqual(cells(text, 'count/configmaps'), [['count/configmaps', '1', '5']])
    const [row] = await kubectl.rows('get quota')
    assert.match(`${row!['REQUEST']} ${row!['USED'] ?? ''}`, /requests\.cpu: 1500m\/2/)

    await kubectl('delete pod one')
    await settle()
    assert.deepEqual(cells(await kubectl('describe quota quota'), 'requests.cpu'), [['requests.cpu', '0', '2']])
    assert.equal(await kubectl('create -f -', pod('two', { requests: { cpu: '1' } })), 'pod/two created')
  },

  'Quotas on storage, of a class too [ADM-11]': async ({ kubectl, settle }) => {
    const ofClass = 'fast.storageclass.storage.k8s.io/requests.storage'
    await kubectl('create -f -', quota({ hard: { 'requests.storage': '20Gi', [ofClass]: '5Gi' } }))
    await settle()
    assert.match(
      await kubectl.refused('create -f -', claim('big', '6Gi')),
      /exceeded quota: quota, requested: fast\.storageclass\.storage\.k8s\.io\/requests\.storage=6Gi, used: fast\.storageclass\.storage\.k8s\.io\/requests\.storage=0, limited: fast\.storageclass\.storage\.k8s\.io\/requests\.storage=5Gi$/,
    )
    await kubectl('create -f -', claim('small', '4Gi'))
    await settle()
    assert.deepEqual(cells(await kubectl('describe quota quota'), 'requests.storage'), [
      ['requests.storage', '4Gi', '20Gi'],
    ])
  },

  'Quotas on the number of objects [ADM-12]': async ({ kubectl, settle }) => {
    await kubectl('create quota counts --hard=count/deployments.apps=1,count/services=1')
    await settle()
    await kubectl('create deployment one --image=nginx')
    assert.match(
      await kubectl.refused('create deployment two --image=nginx'),
      /deployments\.apps "two" is forbidden: exceeded quota: counts, requested: count\/deployments\.apps=1, used: count\/deployments\.apps=1, limited: count\/deployments\.apps=1$/,
    )
    await kubectl('create service clusterip one --tcp=80')
    assert.match(await kubectl.refused('create service clusterip two --tcp=80'), /exceeded quota: counts/)
  },

  'A quota with scopes counts only the pods that are in all of them [ADM-13 ADM-14]': async ({ kubectl, settle }) => {
    await kubectl('create -f -', quota({ hard: { pods: '1' }, scopes: ['BestEffort'] }, 'best-effort'))
    await kubectl('create -f -', quota({ hard: { pods: '1' }, scopes: ['Terminating'] }, 'terminating'))
    const matchExpressions = [{ scopeName: 'PriorityClass', operator: 'In', values: ['system-node-critical'] }]
    await kubectl('create -f -', quota({ hard: { pods: '1' }, scopeSelector: { matchExpressions } }, 'critical'))
    await settle()
    await kubectl('create -f -', pod('asks-1', { requests: { cpu: '10m' } }))
    await kubectl('create -f -', pod('asks-2', { requests: { cpu: '10m' } }))
    await kubectl('create -f -', pod('careless-1'))
    assert.match(
      await kubectl.refused('create -f -', pod('careless-2')),
      /exceeded quota: best-effort, requested: pods=1, used: pods=1, limited: pods=1$/,
    )
    const ends = { requests: { cpu: '10m' } }
    await kubectl('create -f -', pod('ends-1', ends, { activeDeadlineSeconds: 600 }))
    assert.match(
      await kubectl.refused('create -f -', pod('ends-2', ends, { activeDeadlineSeconds: 600 })),
      /exceeded quota: terminating/,
    )
    await kubectl('create -f -', pod('critical-1', ends, { priorityClassName: 'system-node-critical' }))
    assert.match(
      await kubectl.refused('create -f -', pod('critical-2', ends, { priorityClassName: 'system-node-critical' })),
      /exceeded quota: critical/,
    )
    const text = await kubectl('describe quota best-effort')
    assert.match(text, /^Scopes: +BestEffort$/m)
    assert.match(text, /^ \* Matches all pods that do not have resource requirements set\. /m)
  },

  'Under a compute quota a pod must say what it wants, unless a LimitRange says it [ADM-16]': async ({
    kubectl,
    settle,
  }) => {
    await kubectl('create -f -', quota({ hard: { 'requests.cpu': '2', 'limits.cpu': '4' } }))
    await settle()
    assert.match(
      await kubectl.refused('create -f -', pod('silent')),
      /pods "silent" is forbidden: failed quota: quota: must specify limits\.cpu for: main; requests\.cpu for: main$/,
    )
    await kubectl('create -f -', containerDefaults)
    assert.equal(await kubectl('create -f -', pod('silent')), 'pod/silent created')
  },

  'A Deployment is made, and its ReplicaSet reports the pods that the quota forbids [ADM-17]': async ({
    kubectl,
    settle,
  }) => {
    await kubectl('create quota few --hard=pods=2')
    await settle()
    await kubectl('create deployment web --image=nginx --replicas=3')
    await settle()
    assert.equal((await kubectl.rows('get deployment web'))[0]?.['READY'], '2/3')
    assert.match(
      await kubectl('describe rs -l app=web'),
      /Warning +FailedCreate .*replicaset-controller +Error creating: pods "web-\w+-\w+" is forbidden: exceeded quota: few, requested: pods=1, used: pods=2, limited: pods=2$/m,
    )
    assert.match(await kubectl('describe deployment web'), /^ +ReplicaFailure +True +FailedCreate$/m)
  },
})
