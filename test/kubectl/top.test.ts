import assert from 'node:assert/strict'
import { stories } from '../support/kubectl.ts'

const pod = (name: string, cpu: string, memory: string) => `
apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  labels: {app: ${name}}
  annotations: {simulation.coracle.dev/cpu-usage: "${cpu}", simulation.coracle.dev/memory-usage: "${memory}"}
spec:
  containers:
  - {name: main, image: nginx}
  - {name: side, image: nginx}
---`

const pods = [pod('small', '1m', '1Mi'), pod('large', '400m', '10Mi'), pod('middle', '50m', '600Mi')].join('\n')

/** What metrics-server's own file has, in short. */
const metricsServer = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: metrics-server, namespace: kube-system, labels: {k8s-app: metrics-server}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: system:aggregated-metrics-reader
  labels: {rbac.authorization.k8s.io/aggregate-to-view: "true"}
rules:
- {apiGroups: [metrics.k8s.io], resources: [pods, nodes], verbs: [get, list, watch]}
---
apiVersion: v1
kind: Service
metadata: {name: metrics-server, namespace: kube-system, labels: {k8s-app: metrics-server}}
spec:
  ports: [{name: https, port: 443, protocol: TCP, targetPort: https}]
  selector: {k8s-app: metrics-server}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: metrics-server, namespace: kube-system, labels: {k8s-app: metrics-server}}
spec:
  selector: {matchLabels: {k8s-app: metrics-server}}
  template:
    metadata: {labels: {k8s-app: metrics-server}}
    spec:
      serviceAccountName: metrics-server
      containers:
      - name: metrics-server
        image: registry.k8s.io/metrics-server/metrics-server:v0.6.2
        args: [--cert-dir=/tmp, --secure-port=4443, --kubelet-preferred-address-types=InternalIP, --kubelet-insecure-tls]
        ports: [{containerPort: 4443, name: https}]
        volumeMounts: [{mountPath: /tmp, name: tmp-dir}]
      volumes: [{name: tmp-dir, emptyDir: {}}]
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.metrics.k8s.io, labels: {k8s-app: metrics-server}}
spec:
  group: metrics.k8s.io
  version: v1beta1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {name: metrics-server, namespace: kube-system}
`

stories(
  {
    'metrics-server is deployed, and a drain minds its scratch folder [MET-01 MET-13]': async ({
      kubectl,
      cluster,
    }) => {
      const said = await kubectl('apply -f -', metricsServer)
      for (const created of [
        'serviceaccount/metrics-server',
        'service/metrics-server',
        'deployment.apps/metrics-server',
      ])
        assert.match(said, new RegExp(`^${created} created$`, 'm'))
      assert.match(said, /^apiservice\.apiregistration\.k8s\.io\/v1beta1\.metrics\.k8s\.io (created|configured)$/m)
      await cluster.advance(45_000)
      const [row] = await kubectl.rows('get apiservice v1beta1.metrics.k8s.io')
      assert.deepEqual([row?.['SERVICE'], row?.['AVAILABLE']], ['kube-system/metrics-server', 'True'])
      assert.equal((await kubectl.rows('top node')).length, 3)
      const [pod] = await kubectl.rows('top pod -n kube-system -l k8s-app=metrics-server')
      assert.match(pod?.['NAME'] ?? '', /^metrics-server-/)
      // Who may view may see what is used.
      const rules = await kubectl('get clusterrole view -o yaml')
      assert.match(rules, /metrics\.k8s\.io/)
      const where = '{.items[0].spec.nodeName}'
      const node = await kubectl.read('get pod -n kube-system -l k8s-app=metrics-server', where)
      assert.match(
        await kubectl.refused(`drain ${node} --ignore-daemonsets`),
        /cannot delete Pods with local storage \(use --delete-emptydir-data to override\): kube-system\/metrics-server-/,
      )
    },

    'What pods use, in all the ways of asking [MET-06]': async ({ kubectl, cluster }) => {
      await kubectl('apply -f -', pods)
      assert.match(await kubectl.refused('top pod'), /[Mm]etrics not available (yet|for pod)/)
      await cluster.advance(30_000)
      assert.deepEqual(await kubectl.rows('top pod'), [
        { NAME: 'large', 'CPU(cores)': '800m', 'MEMORY(bytes)': '20Mi' },
        { NAME: 'middle', 'CPU(cores)': '100m', 'MEMORY(bytes)': '1200Mi' },
        { NAME: 'small', 'CPU(cores)': '2m', 'MEMORY(bytes)': '2Mi' },
      ])
      const names = async (flags: string) => (await kubectl.rows(`top pod ${flags}`)).map(({ NAME }) => NAME)
      assert.deepEqual(await names('--sort-by=cpu'), ['large', 'middle', 'small'])
      assert.deepEqual(await names('--sort-by=memory'), ['middle', 'large', 'small'])
      assert.deepEqual(await names('-l app=small'), ['small'])
      assert.deepEqual(await names('middle'), ['middle'])
      assert.deepEqual(await kubectl.rows('top pod small --containers'), [
        { POD: 'small', NAME: 'main', 'CPU(cores)': '1m', 'MEMORY(bytes)': '1Mi' },
        { POD: 'small', NAME: 'side', 'CPU(cores)': '1m', 'MEMORY(bytes)': '1Mi' },
      ])
      const everywhere = await kubectl.rows('top pod -A')
      assert.ok(everywhere.some(({ NAMESPACE, NAME }) => NAMESPACE === 'story-2' && NAME === 'large'))
      assert.match(await kubectl.refused('top pod absent'), /NotFound|not found/)
    },

    'What nodes use, of what can be allocated [MET-05]': async ({ kubectl, cluster }) => {
      await kubectl('apply -f -', pods)
      await cluster.advance(30_000)
      const rows = await kubectl.rows('top node')
      assert.deepEqual(
        rows.map(({ NAME }) => NAME),
        ['node-1', 'node-2', 'node-3'],
      )
      const [first] = rows
      assert.deepEqual(Object.keys(first ?? {}).length, 5)
      const sum = (text: string) => rows.reduce((total, row) => total + Number.parseInt(row[text] ?? '', 10), 0)
      // Three nodes, and the pods.
      assert.equal(sum('CPU(cores)'), 3 * 50 + 902)
      assert.equal(sum('MEMORY(bytes)'), 3 * 512 + 1222)
      const large = await kubectl.read('get pod large', '{.spec.nodeName}')
      const [busy] = await kubectl.rows('top node --sort-by=cpu')
      assert.equal(busy?.['NAME'], large)
      assert.equal(busy?.[kubectl.minor < 33 ? 'CPU%' : 'CPU(%)'], '10%')
    },

    'The API behind it [MET-04]': async ({ kubectl, cluster }) => {
      await cluster.advance(30_000)
      const nodes = JSON.parse(await kubectl('get --raw /apis/metrics.k8s.io/v1beta1/nodes'))
      assert.deepEqual([nodes.kind, nodes.apiVersion], ['NodeMetricsList', 'metrics.k8s.io/v1beta1'])
      assert.deepEqual(nodes.items[0].usage, { cpu: '50m', memory: '512Mi' })
      assert.equal(nodes.items[0].window, '15s')
      const [service] = await kubectl.rows('get apiservice v1beta1.metrics.k8s.io')
      assert.equal(service?.['AVAILABLE'], 'True')
      assert.match(
        await kubectl('api-resources --api-group=metrics.k8s.io'),
        /nodes .* false +NodeMetrics\n?.*pods .* true +PodMetrics/s,
      )
      const [node] = await kubectl.rows('get nodes.metrics.k8s.io')
      assert.deepEqual(
        [node?.['NAME'], node?.['CPU'], node?.['MEMORY'], node?.['WINDOW']],
        ['node-1', '50m', '512Mi', '15s'],
      )
    },
  },
  { own: true, virtualTime: true },
)

stories(
  {
    'Without somebody who measures [MET-07]': async ({ kubectl }) => {
      assert.equal(await kubectl.refused('top pod'), 'error: Metrics API not available')
      assert.equal(await kubectl.refused('top node'), 'error: Metrics API not available')
    },
  },
  { own: true, apiOnly: true },
)
