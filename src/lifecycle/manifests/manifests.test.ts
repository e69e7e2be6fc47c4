import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parse } from 'yaml'
import type { Container } from '../../kinds/core/containers.ts'
import { Pod, podSchema } from '../../kinds/core/pod.ts'
import { decode } from '../../schema/decode.ts'
import { VirtualHost } from '../../world/virtual-host.ts'
import { timeoutsOf } from '../config/defaults.ts'
import { initSettings, readDocuments } from '../config/read.ts'
import type { ClusterConfiguration } from '../config/types.ts'
import { controlPlaneComponents, controlPlanePod, type ManifestHost } from './control-plane.ts'
import { etcdPod } from './etcd.ts'
import { applyPatches, readPatches } from './patches.ts'
import { podYaml, toPod } from './static-pod.ts'

const host: ManifestHost = {
  nodeName: 'cp1',
  endpoint: { advertiseAddress: '10.0.0.1', bindPort: 6443 },
  timeouts: timeoutsOf({}),
  authorityFolders: ['/etc/ssl/certs', '/usr/share/ca-certificates'],
  externalAuthority: false,
}

async function clusterOf(text: string): Promise<ClusterConfiguration> {
  const document = `apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n${text}`
  const tools = { world: new VirtualHost(7), version: 'v1.36.2', warn() {} }
  return (await initSettings(readDocuments(document, tools.warn), tools)).cluster
}

const flagsOf = (command: readonly string[]) =>
  Object.fromEntries(
    command.slice(1).map((word) => {
      const at = word.indexOf('=')
      return [word.slice(2, at), word.slice(at + 1)]
    }),
  )

const flags = (cluster: ClusterConfiguration, component: (typeof controlPlaneComponents)[number], with_ = host) =>
  flagsOf(controlPlanePod(component, cluster, with_).command)

describe('static pods', () => {
  test('are pods that the API takes, as their kubelet reads them', async () => {
    const cluster = await clusterOf('')
    const pods = [
      ...controlPlaneComponents.map((component) => controlPlanePod(component, cluster, host)),
      etcdPod(cluster, host, { minor: 6 }),
    ]
    for (const pod of pods) {
      const { object } = decode(podSchema, parse(podYaml(toPod(pod))), { mode: 'Strict' })
      assert.equal(object.metadata.name, pod.name)
      assert.equal(object.metadata.namespace, 'kube-system')
      assert.equal(object.spec.hostNetwork, true)
      assert.equal(object.spec.priorityClassName, 'system-node-critical')
      assert.deepEqual(object.metadata.labels, { component: pod.name, tier: 'control-plane' })
      const mounts = object.spec.containers[0]!.volumeMounts!.map(({ name }) => name)
      assert.deepEqual(
        mounts,
        object.spec.volumes!.map(({ name }) => name),
      )
    }
  })

  test('the API server says where it is, and speaks to the etcd beside it [INI-07 TOP-06]', async () => {
    const cluster = await clusterOf('networking: {serviceSubnet: 10.233.0.0/18, dnsDomain: a.b}')
    const given = flags(cluster, 'kube-apiserver')
    assert.equal(given['advertise-address'], '10.0.0.1')
    assert.equal(given['etcd-servers'], 'https://127.0.0.1:2379')
    assert.equal(given['service-cluster-ip-range'], '10.233.0.0/18')
    assert.equal(given['service-account-issuer'], 'https://kubernetes.default.svc.a.b')
    assert.equal(given['secure-port'], '6443')
    const command = controlPlanePod('kube-apiserver', cluster, host).command
    assert.deepEqual(command.slice(1), command.slice(1).toSorted())
  })

  test('arguments of the configuration take the place of the usual ones [CFG-08]', async () => {
    const cluster = await clusterOf(`
apiServer: {extraArgs: [{name: authorization-mode, value: RBAC}, {name: service-node-port-range, value: 30000-32000}]}
controllerManager: {extraArgs: [{name: node-monitor-period, value: 7s}, {name: bind-address, value: 0.0.0.0}]}
etcd: {local: {extraArgs: [{name: snapshot-count, value: "5"}, {name: election-timeout, value: "5000"}]}}`)
    assert.equal(flags(cluster, 'kube-apiserver')['authorization-mode'], 'RBAC')
    assert.equal(flags(cluster, 'kube-apiserver')['service-node-port-range'], '30000-32000')
    assert.equal(flags(cluster, 'kube-controller-manager')['bind-address'], '0.0.0.0')
    assert.equal(flags(cluster, 'kube-controller-manager')['node-monitor-period'], '7s')
    const etcd = flagsOf(etcdPod(cluster, host, { minor: 6 }).command)
    assert.equal(etcd['snapshot-count'], '5')
    assert.equal(etcd['election-timeout'], '5000')
  })

  test('an argument may be there several times', async () => {
    const cluster = await clusterOf('apiServer: {extraArgs: [{name: z, value: "2"}, {name: z, value: "1"}]}')
    const { command } = controlPlanePod('kube-apiserver', cluster, host)
    assert.deepEqual(command.slice(-2), ['--z=2', '--z=1'])
  })

  test('addresses of pods are for the controllers to give, of both families', async () => {
    const without = flags(await clusterOf(''), 'kube-controller-manager')
    assert.equal(without['cluster-cidr'], undefined)
    const both = flags(await clusterOf('networking: {podSubnet: "10.244.0.0/16,fd00::/56"}'), 'kube-controller-manager')
    assert.equal(both['allocate-node-cidrs'], 'true')
    assert.equal(both['cluster-cidr'], '10.244.0.0/16,fd00::/56')
  })

  test('volumes of the configuration are there [CFG-21]', async () => {
    const volume = '{name: t, hostPath: /etc/localtime, mountPath: /etc/localtime, pathType: File, readOnly: true}'
    const cluster = await clusterOf(`scheduler: {extraVolumes: [${volume}]}`)
    const pod = toPod(controlPlanePod('kube-scheduler', cluster, host)) as {
      spec: { volumes: unknown[]; containers: { volumeMounts: unknown[] }[] }
    }
    assert.deepEqual(pod.spec.volumes[1], { hostPath: { path: '/etc/localtime', type: 'File' }, name: 't' })
    assert.deepEqual(pod.spec.containers[0]!.volumeMounts[1], {
      mountPath: '/etc/localtime',
      name: 't',
      readOnly: true,
    })
  })

  test('an etcd of somebody else is named with its certificates', async () => {
    const cluster = await clusterOf(
      'etcd: {external: {endpoints: ["https://e1:2379", "https://e2:2379"], caFile: /e/ca.crt, certFile: /e/c.crt, keyFile: /e/c.key}}',
    )
    const pod = controlPlanePod('kube-apiserver', cluster, host)
    const given = flagsOf(pod.command)
    assert.equal(given['etcd-servers'], 'https://e1:2379,https://e2:2379')
    assert.equal(given['etcd-keyfile'], '/e/c.key')
    assert.ok(pod.mounts.some(({ name, path }) => name === 'etcd-certs-0' && path === '/e'))
  })

  test('with an authority of somebody else nothing is signed', async () => {
    const given = flags(await clusterOf(''), 'kube-controller-manager', { ...host, externalAuthority: true })
    assert.equal(given['cluster-signing-key-file'], '')
  })

  test('with addresses of the other family loopback is of it, too', async () => {
    const six = { ...host, endpoint: { advertiseAddress: 'fd00::1', bindPort: 6443 } }
    const cluster = await clusterOf('networking: {serviceSubnet: "fd00:96::/112"}')
    assert.equal(flags(cluster, 'kube-scheduler', six)['bind-address'], '::1')
    assert.equal(flags(cluster, 'kube-apiserver', six)['etcd-servers'], 'https://[::1]:2379')
    const etcd = flagsOf(etcdPod(cluster, six, { minor: 5 }).command)
    assert.equal(etcd['listen-client-urls'], 'https://[::1]:2379,https://[fd00::1]:2379')
  })

  for (const [minor, known, unknown] of [
    [4, 'experimental-initial-corrupt-check', 'experimental-watch-progress-notify-interval'],
    [5, 'experimental-watch-progress-notify-interval', 'feature-gates'],
    [6, 'feature-gates', 'experimental-initial-corrupt-check'],
  ] as const) {
    test(`etcd 3.${minor} is given no flag that it does not know`, async () => {
      const given = flagsOf(etcdPod(await clusterOf(''), host, { minor }).command)
      assert.ok(known in given)
      assert.ok(!(unknown in given))
    })
  }

  test('etcd says where it is, keeps its data on the host, and is asked how it is [ETI-24 ETI-25 ETI-26]', async () => {
    const cluster = await clusterOf('')
    const { metadata, spec } = decode(podSchema, toPod(etcdPod(cluster, host, { minor: 6 })), { mode: 'Strict' }).object
    const annotation = 'kubeadm.kubernetes.io/etcd.advertise-client-urls'
    assert.equal(metadata.annotations![annotation], 'https://10.0.0.1:2379')
    assert.deepEqual(
      spec.volumes!.map(({ name, hostPath }) => [name, hostPath!.path, hostPath!.type]),
      [
        ['etcd-certs', '/etc/kubernetes/pki/etcd', 'DirectoryOrCreate'],
        ['etcd-data', '/var/lib/etcd', 'DirectoryOrCreate'],
      ],
    )
    const [{ command, resources, livenessProbe, readinessProbe, startupProbe }] = spec.containers as [Container]
    const pki = '/etc/kubernetes/pki/etcd'
    assert.deepEqual(flagsOf(command!), {
      'advertise-client-urls': 'https://10.0.0.1:2379',
      'cert-file': `${pki}/server.crt`,
      'client-cert-auth': 'true',
      'data-dir': '/var/lib/etcd',
      'feature-gates': 'InitialCorruptCheck=true',
      'initial-advertise-peer-urls': 'https://10.0.0.1:2380',
      'initial-cluster': 'cp1=https://10.0.0.1:2380',
      'key-file': `${pki}/server.key`,
      'listen-client-urls': 'https://127.0.0.1:2379,https://10.0.0.1:2379',
      'listen-metrics-urls': 'http://127.0.0.1:2381',
      'listen-peer-urls': 'https://10.0.0.1:2380',
      name: 'cp1',
      'peer-cert-file': `${pki}/peer.crt`,
      'peer-client-cert-auth': 'true',
      'peer-key-file': `${pki}/peer.key`,
      'peer-trusted-ca-file': `${pki}/ca.crt`,
      'snapshot-count': '10000',
      'trusted-ca-file': `${pki}/ca.crt`,
      'watch-progress-notify-interval': '5s',
    })
    assert.deepEqual(resources, { requests: { cpu: '100m', memory: '100Mi' } })
    const probes = [livenessProbe, readinessProbe, startupProbe].map((probe) => {
      const { path, host, port } = probe!.httpGet!
      assert.deepEqual([host, probe!.timeoutSeconds], ['127.0.0.1', 15])
      return [path, port, probe!.failureThreshold, probe!.initialDelaySeconds ?? 0, probe!.periodSeconds]
    })
    assert.deepEqual(probes, [
      ['/livez', 'probe-port', 8, 10, 10],
      ['/readyz', 'probe-port', 3, 0, 1],
      ['/readyz', 'probe-port', 24, 10, 10],
    ])
  })

  test('a member that joins names the others', async () => {
    const list = 'cp1=https://10.0.0.1:2380,cp2=https://10.0.0.2:2380'
    const given = flagsOf(etcdPod(await clusterOf(''), host, { minor: 6 }, list).command)
    assert.equal(given['initial-cluster'], list)
    assert.equal(given['initial-cluster-state'], 'existing')
  })
})

describe('patches', () => {
  async function patchesOf(files: Readonly<Record<string, string>>) {
    const world = new VirtualHost(7)
    for (const [name, text] of Object.entries(files)) await world.disk.write(`/patches/${name}`, text)
    const warnings: string[] = []
    return { patches: await readPatches(world, '/patches', (line) => void warnings.push(line)), warnings }
  }

  test('are applied in the order of their names, by their kinds', async () => {
    const { patches } = await patchesOf({
      'kube-scheduler1+json.json': '[{"op":"add","path":"/metadata/labels/b","value":"2"}]',
      'kube-scheduler0+merge.yaml': 'metadata: {labels: {a: "1"}}',
      'kube-scheduler2.yaml': 'spec: {containers: [{name: kube-scheduler, image: mine}]}',
      'etcd.yaml': 'metadata: {labels: {never: here}}',
    })
    const cluster = await clusterOf('')
    const printed: string[] = []
    const pod = toPod(controlPlanePod('kube-scheduler', cluster, host))
    const patched = applyPatches('kube-scheduler', pod, patches, Pod.schema, (line) => void printed.push(line)) as {
      metadata: { labels: object }
      spec: { containers: { image: string; command: string[] }[] }
    }
    assert.deepEqual(patched.metadata.labels, { component: 'kube-scheduler', tier: 'control-plane', a: '1', b: '2' })
    assert.equal(patched.spec.containers.length, 1)
    assert.equal(patched.spec.containers[0]!.image, 'mine')
    assert.ok(patched.spec.containers[0]!.command.length > 1)
    assert.deepEqual(printed, [
      '[patches] Applied patch of type "application/merge-patch+json" to target "kube-scheduler"',
      '[patches] Applied patch of type "application/json-patch+json" to target "kube-scheduler"',
      '[patches] Applied patch of type "application/strategic-merge-patch+json" to target "kube-scheduler"',
    ])
  })

  for (const [name, words] of [
    ['foo.yaml', /unknown target, must be one of etcd, kube-apiserver/],
    ['etcd+foo.yaml', /unknown patch type, must be one of strategic, merge, json/],
  ] as const)
    test(`${name} is none`, () => assert.rejects(patchesOf({ [name]: 'a: 1' }), words))

  test('what is empty, or no patch by its name, is passed over and said', async () => {
    const { patches, warnings } = await patchesOf({ 'etcd.yaml': '\n', README: 'x' })
    assert.equal(patches.length, 0)
    assert.equal(warnings.length, 2)
  })
})
