import assert from 'node:assert/strict'
import { stories } from '../support/kubectl.ts'

const volume = (name: string, rest: object = {}) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      capacity: { storage: '2Gi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: name,
      persistentVolumeReclaimPolicy: 'Retain',
      hostPath: { path: '/srv/data' },
      ...rest,
    },
  })

const claim = (name: string, storageClassName: string | undefined, more: object = {}) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName, resources: { requests: { storage: '1Gi' } }, ...more },
  })

const storageClass = (name: string, rest: object = {}) =>
  JSON.stringify({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name },
    provisioner: 'coracle.dev/local-path',
    allowVolumeExpansion: true,
    ...rest,
  })

const pod = (name: string, volumes: readonly object[], spec: object = {}) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: 'nginx' }], volumes, ...spec },
  })

const using = (claimName: string) => [{ name: 'data', persistentVolumeClaim: { claimName } }]

stories({
  'A claim is bound to a matching volume, whatever lies behind it, and releases it [STO-05]': async ({
    kubectl,
    namespace,
    settle,
  }) => {
    const name = `${namespace}-manual`
    await kubectl('create -f -', volume(name))
    await settle()
    assert.equal((await kubectl.rows(`get pv ${name}`))[0]?.['STATUS'], 'Available')
    await kubectl('create -f -', claim('data', name))
    await settle()
    const [{ AGE: _, VOLUMEATTRIBUTESCLASS: __, ...bound } = {}] = await kubectl.rows('get pvc')
    assert.deepEqual(bound, {
      NAME: 'data',
      STATUS: 'Bound',
      VOLUME: name,
      CAPACITY: '2Gi',
      'ACCESS MODES': 'RWO',
      STORAGECLASS: name,
    })
    const [taken] = await kubectl.rows(`get pv ${name}`)
    assert.deepEqual(
      [taken!['STATUS'], taken!['CLAIM'], taken!['RECLAIM POLICY']],
      ['Bound', `${namespace}/data`, 'Retain'],
    )
    await kubectl('create -f -', pod('web', using('data')))
    await settle()
    assert.equal((await kubectl.rows('get pod web'))[0]?.['STATUS'], 'Running')

    await kubectl('delete pvc data --wait=false')
    await settle()
    assert.equal((await kubectl.rows('get pvc data'))[0]?.['STATUS'], 'Terminating')
    assert.match(await kubectl('describe pvc data'), /^(Used By|Mounted By): +web$/m)
    await kubectl('delete pod web')
    await settle()
    assert.match(await kubectl.refused('get pvc data'), /persistentvolumeclaims "data" not found/)
    assert.equal((await kubectl.rows(`get pv ${name}`))[0]?.['STATUS'], 'Released')
    await kubectl(`delete pv ${name}`)
  },

  'A claim without a volume says what it waits for [STO-05]': async ({ kubectl, settle }) => {
    await kubectl('create -f -', claim('data', ''))
    await settle()
    assert.equal((await kubectl.rows('get pvc'))[0]?.['STATUS'], 'Pending')
    assert.match(
      await kubectl('describe pvc data'),
      /Normal +FailedBinding .*persistentvolume-controller +no persistent volumes available for this claim and no storage class is set/,
    )
    await kubectl('create -f -', pod('web', using('data')))
    await settle()
    assert.equal((await kubectl.rows('get pod web'))[0]?.['STATUS'], 'Pending')
    assert.match(
      await kubectl('describe pod web'),
      /FailedScheduling .*pod has unbound immediate PersistentVolumeClaims/,
    )
  },

  'A class makes volumes for claims, where their pod goes, and deletes them after use [STO-06]': async ({
    kubectl,
    namespace,
    settle,
  }) => {
    const name = `${namespace}-local`
    await kubectl('create -f -', storageClass(name, { volumeBindingMode: 'WaitForFirstConsumer' }))
    const [row] = await kubectl.rows(`get sc ${name}`)
    assert.deepEqual(
      [row!['PROVISIONER'], row!['RECLAIMPOLICY'], row!['VOLUMEBINDINGMODE'], row!['ALLOWVOLUMEEXPANSION']],
      ['coracle.dev/local-path', 'Delete', 'WaitForFirstConsumer', 'true'],
    )
    await kubectl('create -f -', claim('data', name))
    await settle()
    assert.match(
      await kubectl('describe pvc data'),
      /Normal +WaitForFirstConsumer .*persistentvolume-controller +waiting for first consumer to be created before binding/,
    )
    await kubectl('create -f -', pod('web', using('data')))
    await settle()
    assert.equal((await kubectl.rows('get pod web'))[0]?.['STATUS'], 'Running')
    const made = await kubectl.read('get pvc data', '{.spec.volumeName}')
    assert.equal(made, `pvc-${await kubectl.read('get pvc data', '{.metadata.uid}')}`)
    const text = await kubectl('describe pvc data')
    assert.match(text, /Normal +Provisioning .*External provisioner is provisioning volume for claim/)
    assert.match(text, new RegExp(`Normal +ProvisioningSucceeded .*Successfully provisioned volume ${made}`))
    const node = await kubectl.read('get pod web', '{.spec.nodeName}')
    assert.match(await kubectl(`describe pv ${made}`), new RegExp(`kubernetes\\.io/hostname in \\[${node}\\]`))

    await kubectl(`patch pvc data -p '{"spec":{"resources":{"requests":{"storage":"3Gi"}}}}'`)
    await settle()
    assert.equal((await kubectl.rows('get pvc data'))[0]?.['CAPACITY'], '3Gi')
    assert.equal((await kubectl.rows(`get pv ${made}`))[0]?.['CAPACITY'], '3Gi')

    await kubectl('delete pod web')
    await kubectl('delete pvc data')
    await settle()
    assert.match(await kubectl.refused(`get pv ${made}`), /persistentvolumes ".*" not found/)
  },

  'A driver’s volume is attached to the node of its pod, and detached after it [STO-07]': async ({
    kubectl,
    namespace,
    settle,
  }) => {
    const driver = `${namespace}.csi.example.com`
    await kubectl(
      'create -f -',
      JSON.stringify({ apiVersion: 'storage.k8s.io/v1', kind: 'CSIDriver', metadata: { name: driver }, spec: {} }),
    )
    await kubectl('create -f -', storageClass(`${namespace}-fast`, { provisioner: driver }))
    await kubectl('create -f -', claim('data', `${namespace}-fast`))
    await settle()
    const made = await kubectl.read('get pvc data', '{.spec.volumeName}')
    assert.match(
      await kubectl(`describe pv ${made}`),
      /Type: +CSI \(a Container Storage Interface \(CSI\) volume source\)/,
    )
    await kubectl('create -f -', pod('web', using('data')))
    await settle()
    const node = await kubectl.read('get pod web', '{.spec.nodeName}')
    const attached = async () => (await kubectl.rows('get volumeattachments')).filter(({ PV }) => PV === made)
    const [row] = await attached()
    assert.deepEqual([row!['ATTACHER'], row!['NODE'], row!['ATTACHED']], [driver, node, 'true'])
    assert.match(
      await kubectl('describe pod web'),
      new RegExp(
        `SuccessfulAttachVolume .*attachdetach-controller +AttachVolume.Attach succeeded for volume "${made}"`,
      ),
    )
    await kubectl('delete pod web')
    await settle()
    assert.deepEqual(await attached(), [])
  },

  'Claims of a StatefulSet outlive its pods, and each comes back to its number [STS-05]': async ({
    kubectl,
    namespace,
    settle,
  }) => {
    const name = `${namespace}-sets`
    await kubectl('create -f -', storageClass(name, { volumeBindingMode: 'WaitForFirstConsumer' }))
    const labels = { app: 'db' }
    await kubectl(
      'create -f -',
      JSON.stringify({
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        metadata: { name: 'db' },
        spec: {
          replicas: 2,
          serviceName: 'db',
          selector: { matchLabels: labels },
          template: {
            metadata: { labels },
            spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: 'nginx' }] },
          },
          volumeClaimTemplates: [JSON.parse(claim('data', name))],
        },
      }),
    )
    await settle()
    const bound = async () => (await kubectl.rows('get pvc')).map(({ NAME, STATUS, VOLUME }) => [NAME, STATUS, VOLUME])
    const before = await bound()
    assert.deepEqual(
      before.map(([name, status]) => [name, status]),
      [
        ['data-db-0', 'Bound'],
        ['data-db-1', 'Bound'],
      ],
    )
    await kubectl('delete pod db-1')
    await settle()
    assert.equal((await kubectl.rows('get pod db-1'))[0]?.['STATUS'], 'Running')
    assert.equal(await kubectl.read('get pod db-1', '{.spec.volumes[0].persistentVolumeClaim.claimName}'), 'data-db-1')
    assert.deepEqual(await bound(), before)
    await kubectl('delete statefulset db')
    await settle()
    assert.deepEqual(await bound(), before)
  },

  'A pod with a Secret or a ConfigMap as a volume runs once they are there [STO-11]': async ({ kubectl, settle }) => {
    const volumes = [
      { name: 'key', secret: { secretName: 'key' } },
      { name: 'config', configMap: { name: 'config' } },
    ]
    await kubectl('create secret generic key --from-literal=a=b')
    await kubectl('create -f -', pod('web', volumes))
    await settle()
    assert.equal((await kubectl.rows('get pod web'))[0]?.['STATUS'], 'ContainerCreating')
    assert.match(
      await kubectl('describe pod web'),
      /Warning +FailedMount .*MountVolume\.SetUp failed for volume "config" : configmap "config" not found/,
    )
    await kubectl('create configmap config --from-literal=a=b')
    await settle()
    assert.equal((await kubectl.rows('get pod web'))[0]?.['STATUS'], 'Running')
  },
})

stories(
  {
    'A network volume outlives pods and nodes [STO-04]': async ({ kubectl, settle }) => {
      const nfs = { hostPath: undefined, nfs: { server: '192.168.13.50', path: '/export' } }
      await kubectl('create -f -', volume('shared', { ...nfs, accessModes: ['ReadWriteMany'] }))
      await kubectl('create -f -', claim('data', 'shared', { accessModes: ['ReadWriteMany'] }))
      await kubectl('create -f -', pod('first', using('data')))
      await settle()
      const node = await kubectl.read('get pod first', '{.spec.nodeName}')
      await kubectl('delete pod first')
      await kubectl(`delete node ${node}`)
      await settle()
      assert.equal((await kubectl.rows('get pvc data'))[0]?.['STATUS'], 'Bound')
      await kubectl('create -f -', pod('second', using('data')))
      await settle()
      assert.equal((await kubectl.rows('get pod second'))[0]?.['STATUS'], 'Running')
      assert.notEqual(await kubectl.read('get pod second', '{.spec.nodeName}'), node)
    },

    'An emptyDir goes with its pod, so a drain asks first [STO-01]': async ({ kubectl, settle }) => {
      const spec = {
        selector: { matchLabels: { app: 'web' } },
        template: {
          metadata: { labels: { app: 'web' } },
          spec: { containers: [{ name: 'main', image: 'nginx' }], volumes: [{ name: 'scratch', emptyDir: {} }] },
        },
      }
      const metadata = { name: 'web' }
      await kubectl('create -f -', JSON.stringify({ apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec }))
      await settle()
      const [pod] = await kubectl.rows('get pods -o wide')
      assert.match(
        await kubectl(`describe pod ${pod!['NAME']}`),
        /Type: +EmptyDir \(a temporary directory that shares a pod's lifetime\)/,
      )
      assert.match(
        await kubectl.refused(`drain ${pod!['NODE']}`),
        /cannot delete Pods with local storage \(use --delete-emptydir-data to override\)/,
      )
      assert.equal((await kubectl.rows('get pods'))[0]?.['NAME'], pod!['NAME'])
      await kubectl(`drain ${pod!['NODE']} --delete-emptydir-data`)
      await settle()
      const [next] = await kubectl.rows('get pods -o wide')
      assert.notEqual(next!['NAME'], pod!['NAME'])
      assert.notEqual(next!['NODE'], pod!['NODE'])
    },

    'A pod goes to the node on which its local volume is [STO-03]': async ({ kubectl, settle }) => {
      await kubectl(
        'create -f -',
        storageClass('disks', {
          provisioner: 'kubernetes.io/no-provisioner',
          volumeBindingMode: 'WaitForFirstConsumer',
        }),
      )
      const onNode = (node: string) => ({
        hostPath: undefined,
        storageClassName: 'disks',
        local: { path: '/mnt/disk' },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] },
            ],
          },
        },
      })
      await kubectl('create -f -', volume('disk-2', onNode('node-2')))
      await kubectl('create -f -', claim('data', 'disks'))
      await settle()
      assert.equal((await kubectl.rows('get pvc data'))[0]?.['STATUS'], 'Pending')
      await kubectl('create -f -', pod('web', using('data')))
      await settle()
      assert.equal(await kubectl.read('get pod web', '{.spec.nodeName}'), 'node-2')
      assert.equal((await kubectl.rows('get pvc data'))[0]?.['VOLUME'], 'disk-2')
    },

    'Data on a node is lost with the node [STO-10]': async ({ kubectl, settle }) => {
      await kubectl('create -f -', storageClass('local', { volumeBindingMode: 'WaitForFirstConsumer' }))
      await kubectl('create -f -', claim('data', 'local'))
      await kubectl('create -f -', pod('first', using('data')))
      await settle()
      const node = await kubectl.read('get pod first', '{.spec.nodeName}')
      await kubectl('delete pod first')
      await kubectl(`delete node ${node}`)
      await kubectl('create -f -', pod('second', using('data')))
      await settle()
      assert.equal((await kubectl.rows('get pod second'))[0]?.['STATUS'], 'Pending')
      assert.match(
        await kubectl('describe pod second'),
        /FailedScheduling .*0\/2 nodes are available: 2 node\(s\) didn't match PersistentVolume's node affinity/,
      )
    },
  },
  { own: true },
)
