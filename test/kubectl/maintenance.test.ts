import assert from 'node:assert/strict'
import { type Scene, stories } from '../support/kubectl.ts'

const workload = (kind: string, name: string, spec: object, more: object = {}) =>
  JSON.stringify({
    apiVersion: 'apps/v1',
    kind,
    metadata: { name },
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { terminationGracePeriodSeconds: 0, containers: [{ name, image: name }], ...spec },
      },
      ...more,
    },
  })

const storageClass = JSON.stringify({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'local' },
  provisioner: 'coracle.dev/local-path',
  volumeBindingMode: 'WaitForFirstConsumer',
})

const claims = [
  {
    metadata: { name: 'data' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'local',
      resources: { requests: { storage: '1Gi' } },
    },
  },
]

const database = workload('StatefulSet', 'db', {}, { replicas: 2, serviceName: 'db', volumeClaimTemplates: claims })

/** Nodes of the running pods of that application. */
const nodesOf = async ({ kubectl }: Scene, app: string, options = '') =>
  (await kubectl.rows(`get pods -l app=${app} -o wide ${options}`))
    .filter(({ STATUS }) => STATUS === 'Running')
    .map(({ NODE }) => NODE)
    .sort()

stories(
  {
    'Workers are maintained one by one, or a few at once, and enough pods go on [NOD-34]': async (scene) => {
      const { kubectl, settle } = scene
      await kubectl('create deployment web --image=nginx --replicas=3')
      await kubectl(
        'create -f -',
        JSON.stringify({
          apiVersion: 'policy/v1',
          kind: 'PodDisruptionBudget',
          metadata: { name: 'web' },
          spec: { minAvailable: 2, selector: { matchLabels: { app: 'web' } } },
        }),
      )
      await settle()
      assert.deepEqual(await nodesOf(scene, 'web'), ['node-1', 'node-2', 'node-3'])
      const watch = kubectl.start('get deployment web -w')
      await watch.said(/3\/3/)

      await kubectl('drain node-1')
      await kubectl('rollout status deployment web')
      assert.ok(!(await nodesOf(scene, 'web')).includes('node-1'))
      await kubectl('uncordon node-1')

      await kubectl('drain node-2 node-3')
      await kubectl('rollout status deployment web')
      assert.deepEqual(await nodesOf(scene, 'web'), ['node-1', 'node-1', 'node-1'])
      await kubectl('uncordon node-2 node-3')
      const { stdout } = await watch.interrupt()
      const available = [...stdout.matchAll(/^web +\d\/3 +\d +(\d)/gm)].map(([, count]) => Number(count))
      assert.ok(available.length > 3, stdout)
      assert.ok(Math.min(...available) >= 2, stdout)
    },

    'A drain moves the controllers of the network, and warns of its DaemonSet pods [NOD-30]': async (scene) => {
      const { kubectl, settle } = scene
      await kubectl('create -n kube-system -f -', workload('DaemonSet', 'calico-node', { hostNetwork: true }))
      await kubectl('cordon node-2 node-3')
      await kubectl('create -n kube-system -f -', workload('Deployment', 'calico-kube-controllers', {}))
      await settle()
      await kubectl('uncordon node-2 node-3')
      assert.deepEqual(await nodesOf(scene, 'calico-kube-controllers', '-n kube-system'), ['node-1'])

      const { code, stdout, stderr } = await kubectl.run('drain node-1 --ignore-daemonsets')
      assert.equal(code, 0, stderr)
      assert.match(stderr, /^W(ARNING|arning): ignoring DaemonSet-managed Pods: kube-system\/calico-node-\w{5}$/m)
      const said = `${stdout}${stderr}`
      assert.match(said, /^evicting pod kube-system\/calico-kube-controllers-\S+$/m)
      assert.doesNotMatch(said, /evicting pod kube-system\/calico-node/)
      await settle()
      const [moved, ...others] = await nodesOf(scene, 'calico-kube-controllers', '-n kube-system')
      assert.deepEqual(others, [])
      assert.match(moved!, /^node-[23]$/)
      assert.deepEqual(await nodesOf(scene, 'calico-node', '-n kube-system'), ['node-1', 'node-2', 'node-3'])
    },

    'When all nodes are replaced, a Deployment moves and a StatefulSet is left without its volumes [STS-10]': async (
      scene,
    ) => {
      const { kubectl, cluster, settle } = scene
      await kubectl('create -f -', storageClass)
      await kubectl('create -f -', database)
      await kubectl('create deployment web --image=nginx --replicas=2')
      await settle()
      await cluster.nodes!.add([{ name: 'new-1' }, { name: 'new-2' }])
      await kubectl('drain node-1 node-2 node-3')
      await kubectl('delete node node-1 node-2 node-3')
      await settle()
      for (const node of await nodesOf(scene, 'web')) assert.match(node!, /^new-/)
      assert.equal((await kubectl.rows('get deployment web'))[0]?.['READY'], '2/2')
      assert.equal((await kubectl.rows('get statefulset db'))[0]?.['READY'], '0/2')
      const [first, ...others] = await kubectl.rows('get pods -l app=db')
      assert.equal(first?.['NAME'], 'db-0')
      for (const { STATUS } of [first!, ...others]) assert.equal(STATUS, 'Pending')
      assert.match(
        await kubectl('describe pod db-0'),
        /Warning +FailedScheduling .* node\(s\) didn't match PersistentVolume's node affinity/,
      )
    },

    'Each pod of a StatefulSet has a name, an entry in DNS and a volume of its own, and keeps them [STS-06]': async ({
      kubectl,
      settle,
    }) => {
      await kubectl('create -f -', storageClass)
      await kubectl('create service clusterip db --clusterip=None --tcp=5432')
      await kubectl('create -f -', database)
      await settle()
      // What the name service answers `db-0.db` from.
      const names = async () => {
        const text = await kubectl.read(
          'get endpointslices -l kubernetes.io/service-name=db',
          '{range .items[*].endpoints[*]}{.hostname} {.targetRef.name} {.addresses[0]}|{end}',
        )
        return text.split('|').filter(Boolean).sort()
      }
      const identities = async () => {
        const text = await kubectl.read(
          'get pods -l app=db',
          '{range .items[*]}{.spec.hostname}.{.spec.subdomain} {.spec.volumes[0].persistentVolumeClaim.claimName} {.status.podIP}|{end}',
        )
        return text.split('|').filter(Boolean)
      }
      const volumes = async () => (await kubectl.rows('get pvc')).map(({ NAME, VOLUME }) => `${NAME} ${VOLUME}`)
      const withoutAddress = (lines: readonly string[]) => lines.map((line) => line.replace(/ [\d.]+$/, ''))

      const before = { names: await names(), identities: await identities(), volumes: await volumes() }
      assert.deepEqual(withoutAddress(before.identities), ['db-0.db data-db-0', 'db-1.db data-db-1'])
      assert.deepEqual(withoutAddress(before.names), ['db-0 db-0', 'db-1 db-1'])
      assert.equal(new Set(before.volumes.map((line) => line.split(' ')[1])).size, 2)
      assert.match(await kubectl('get pod db-0 -o yaml'), /^ {2}hostname: db-0$/m)

      const uid = await kubectl.read('get pod db-1', '{.metadata.uid}')
      await kubectl('delete pod db-1')
      await settle()
      assert.notEqual(await kubectl.read('get pod db-1', '{.metadata.uid}'), uid)
      assert.deepEqual(withoutAddress(await identities()), withoutAddress(before.identities))
      assert.deepEqual(withoutAddress(await names()), withoutAddress(before.names))
      assert.deepEqual(
        (await names()).map((line) => line.split(' ')[2]),
        (await identities()).map((line) => line.split(' ')[2]),
        'the entry leads to the pod that is there now',
      )
      assert.deepEqual(await volumes(), before.volumes)
    },

    'What every node needs runs on every node: network, logs, measurements [DMS-07]': async (scene) => {
      const { kubectl, cluster, settle } = scene
      const everywhere = [{ operator: 'Exists' }]
      await cluster.nodes!.add([
        { name: 'master', taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }] },
      ])
      const daemons = {
        'kube-proxy': { hostNetwork: true, priorityClassName: 'system-node-critical' },
        fluentd: { volumes: [{ name: 'logs', hostPath: { path: '/var/log' } }] },
        'node-exporter': {
          containers: [{ name: 'exporter', image: 'exporter', ports: [{ containerPort: 9100, hostPort: 9100 }] }],
        },
      }
      for (const [name, spec] of Object.entries(daemons))
        await kubectl('create -f -', workload('DaemonSet', name, { ...spec, tolerations: everywhere }))
      await settle()
      const nodes = ['master', 'node-1', 'node-2', 'node-3']
      for (const name of Object.keys(daemons)) assert.deepEqual(await nodesOf(scene, name), nodes, name)
      await cluster.nodes!.add([{ name: 'node-4' }])
      await settle()
      for (const name of Object.keys(daemons)) assert.deepEqual(await nodesOf(scene, name), [...nodes, 'node-4'], name)
    },
  },
  { own: true },
)
