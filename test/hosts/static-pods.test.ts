/** One host, with a real etcd and every component a process that the node agent runs from a manifest. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { connect } from 'node:tls'
import { issueCertificate } from '../../src/lifecycle/pki.ts'
import { realWorld } from '../../src/world/real.ts'
import {
  createSharedPki,
  kubeletArguments,
  manifestsOf,
  type SharedPki,
  writeControlPlane,
  writeKubelet,
} from '../support/control-plane-files.ts'
import { type Host, Hosts, hostsMissing, type Started, until } from '../support/hosts.ts'

const manifests = '/etc/kubernetes/manifests'
const components = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const

interface PodOf {
  readonly metadata: {
    readonly name: string
    readonly uid: string
    readonly annotations: Readonly<Record<string, string>>
    readonly ownerReferences: readonly { readonly kind: string; readonly name: string; readonly controller: boolean }[]
  }
  readonly status: {
    readonly phase: string
    readonly containerStatuses?: readonly { readonly restartCount: number; readonly ready: boolean }[]
  }
}

const bootstrapObjects = `
apiVersion: v1
kind: Secret
metadata: {name: bootstrap-token-abcdef, namespace: kube-system}
type: bootstrap.kubernetes.io/token
stringData:
  token-id: abcdef
  token-secret: 0123456789abcdef
  usage-bootstrap-authentication: "true"
  auth-extra-groups: system:bootstrappers:kubeadm:default-node-token
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: bootstrap}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:node-bootstrapper"}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:bootstrappers:kubeadm:default-node-token"}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: autoapprove}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:certificates.k8s.io:certificatesigningrequests:nodeclient"}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:bootstrappers:kubeadm:default-node-token"}]
`

const bootstrapKubeconfig = (server: string, authority: string) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'kubernetes',
        cluster: { server, 'certificate-authority-data': Buffer.from(authority).toString('base64') },
      },
    ],
    users: [{ name: 'bootstrap', user: { token: 'abcdef.0123456789abcdef' } }],
    contexts: [{ name: 'bootstrap', context: { cluster: 'kubernetes', user: 'bootstrap' } }],
    'current-context': 'bootstrap',
  })

describe('a host with static pods', { skip: hostsMissing() ?? false }, () => {
  let hosts: Hosts
  let host: Host
  let pki: SharedPki
  let kubelet: Started

  const startKubelet = () => host.start('coracle', [...kubeletArguments, '--v=2'])
  const podOf = async (name: string): Promise<PodOf> =>
    JSON.parse(await host.kubectl('get', 'pod', '-n', 'kube-system', `${name}-host1`, '-o', 'json'))
  const isReady = (pod: PodOf) => pod.status.phase === 'Running' && pod.status.containerStatuses?.[0]?.ready === true
  const readyPod = (name: string, which: (pod: PodOf) => boolean = () => true) =>
    until(`pod ${name}`, async () => {
      const pod = await podOf(name)
      return isReady(pod) && which(pod) && pod
    })
  /** The process of a component, by its command line. */
  const processOf = (name: string) =>
    host.processes().find(({ args }) => args.slice(0, 8).some((arg) => arg === name || arg.endsWith(`/${name}`)))

  before(async () => {
    hosts = await Hosts.create({ count: 2 })
    host = hosts.all[0]!
    pki = createSharedPki()
    await writeControlPlane(host, { pki })
    kubelet = startKubelet()
  })

  after(async () => {
    await hosts?.[Symbol.asyncDispose]()
  })

  it('is a Ready node, on which each component is a mirror pod that the Node owns [MOD-02] [TOP-05]', async () => {
    await until('a Ready node', async () => / Ready /.test(await host.kubectl('get', 'nodes')))
    for (const name of components) {
      const { metadata } = await readyPod(name)
      assert.equal(metadata.annotations['kubernetes.io/config.source'], 'file')
      assert.equal(
        metadata.annotations['kubernetes.io/config.mirror'],
        metadata.annotations['kubernetes.io/config.hash'],
      )
      assert.partialDeepStrictEqual(metadata.ownerReferences, [{ kind: 'Node', name: 'host1', controller: true }])
    }
    assert.equal(
      await host.kubectl('get', 'endpoints', 'kubernetes', '-o', 'jsonpath={.subsets[*].addresses[*].ip}'),
      host.address,
    )
    assert.match((await host.run('curl', ['-s', 'http://127.0.0.1:10248/healthz'])).stdout, /^ok$/)
  })

  it('runs what is given to it: stored, then given a node, then started, each step by another process [MOD-08]', async () => {
    await host.kubectl('run', 'web', '--image=web:1')
    const pod = await until('a running pod', async () => {
      const found = JSON.parse(await host.kubectl('get', 'pod', 'web', '-o', 'json', '--show-managed-fields'))
      return found.status.phase === 'Running' && found
    })
    const order = ['PodScheduled', 'Initialized', 'Ready']
    const conditions: { type: string; status: string }[] = pod.status.conditions
    for (const type of order) assert.equal(conditions.find((each) => each.type === type)?.status, 'True', type)
    assert.equal(pod.spec.nodeName, 'host1')
    const writers = pod.metadata.managedFields.map(({ manager, subresource }: Record<string, string>) => [
      manager,
      subresource,
    ])
    assert.deepEqual(writers, [
      ['kubectl-run', undefined],
      ['kubelet', 'status'],
    ])
    // Each writes its events when it comes to it: only those of one component have an order.
    const reasonsOf = async (component: string) => {
      const chosen = `{range .items[?(@.reportingComponent=="${component}")]}{.reason} {end}`
      const ofPods = ['--field-selector', 'involvedObject.kind=Pod']
      return (await host.kubectl('get', 'events', ...ofPods, '-o', `jsonpath=${chosen}`)).trim()
    }
    await until('all events', async () => (await reasonsOf('default-scheduler')) === 'Scheduled')
    assert.equal(await reasonsOf('kubelet'), 'Pulled Created Started')
  })

  it('says what a static pod has written', async () => {
    assert.match(await host.kubectl('logs', '-n', 'kube-system', 'kube-apiserver-host1'), /the API is served/)
    const tail = await host.kubectl('logs', '-n', 'kube-system', 'etcd-host1', '--tail=2')
    assert.equal(tail.split('\n').length, 2)
    const none = await host.tryKubectl('logs', '-n', 'kube-system', 'etcd-host1', '--previous')
    assert.match(none.stderr, /previous terminated container "etcd" in pod "etcd-host1" not found/)
  })

  it('lets another host in that has a bootstrap token, and asks for a certificate with it [MOD-07]', async () => {
    const other = hosts.all[1]!
    await host.run('kubectl', ['apply', '-f', '-'], {
      input: bootstrapObjects,
      env: { KUBECONFIG: '/etc/kubernetes/admin.conf' },
    })
    await other.write('/etc/kubernetes/pki/ca.crt', pki.ca.certificate)
    await writeKubelet(other, { manifests: false })
    await other.write(
      '/etc/kubernetes/bootstrap-kubelet.conf',
      bootstrapKubeconfig(`https://${host.address}:6443`, pki.ca.certificate),
      0o600,
    )
    const joined = other.start('coracle', [...kubeletArguments, '--v=2'])
    await until(
      'two Ready nodes',
      async () => ((await host.kubectl('get', 'nodes')).match(/ Ready /g)?.length ?? 0) === 2,
    )
    assert.match((await other.sh('cat /var/lib/kubelet/pki/kubelet-client-current.pem')).stdout, /PRIVATE KEY/)
    assert.match(await other.read('/etc/kubernetes/kubelet.conf'), /kubelet-client-current\.pem/)
    assert.match(await host.kubectl('get', 'csr'), /system:bootstrap:abcdef .*Approved,Issued/)
    await joined.kill('SIGTERM')
  })

  it('asks for a certificate on every connection between components [MOD-09]', async () => {
    const refused = await host.run('etcdctl', [
      '--endpoints=https://127.0.0.1:2379',
      '--cacert=/etc/kubernetes/pki/etcd/ca.crt',
      '--command-timeout=1s',
      '--dial-timeout=1s',
      'get',
      '/',
    ])
    assert.notEqual(refused.code, 0)
    assert.match(await host.etcdctl('get', '/registry/namespaces/default', '--keys-only'), /namespaces\/default/)
    const other = createSharedPki()
    await host.write('/etc/kubernetes/other-ca.crt', other.ca.certificate)
    const distrusted = await host.run('curl', [
      '-sS',
      '--cacert',
      '/etc/kubernetes/other-ca.crt',
      `https://${host.address}:6443/healthz`,
    ])
    assert.match(distrusted.stderr, /certificate/)
    const anonymous = await host.run('curl', ['-sk', `https://${host.address}:6443/api/v1/nodes`])
    assert.match(anonymous.stdout, /system:anonymous/)
  })

  it('starts a component anew when its manifest is edited, and shows the new one [MOD-05]', async () => {
    const [before, old] = [await podOf('kube-scheduler'), processOf('kube-scheduler')]
    const edited = manifestsOf(host, { pki, extra: { 'kube-scheduler': ['--v=3'] } })['kube-scheduler']
    await host.write(`${manifests}/kube-scheduler.yaml`, JSON.stringify(edited))
    const pod = await readyPod('kube-scheduler', ({ metadata }) => metadata.uid !== before.metadata.uid)
    assert.notEqual(
      pod.metadata.annotations['kubernetes.io/config.hash'],
      before.metadata.annotations['kubernetes.io/config.hash'],
    )
    const now = processOf('kube-scheduler')
    assert.notEqual(now?.pid, old?.pid)
    assert.ok(now?.args.includes('--v=3'))
  })

  it('stops a component whose manifest is moved away, and starts it when it comes back [MOD-06]', async () => {
    const following = host.start(
      'kubectl',
      ['logs', '--follow', '-n', 'kube-system', 'kube-controller-manager-host1'],
      { KUBECONFIG: '/etc/kubernetes/admin.conf' },
    )
    await until('what it has said', async () => following.output !== '')
    await host.sh(`mv ${manifests}/kube-controller-manager.yaml /etc/kubernetes/`)
    await until('no pod', async () =>
      (await host.tryKubectl('get', 'pod', '-n', 'kube-system', 'kube-controller-manager-host1')).stderr.includes(
        'NotFound',
      ),
    )
    assert.equal(processOf('kube-controller-manager'), undefined)
    assert.equal(await following.exited, 0, 'who followed its log has come to its end')
    await host.sh(`mv /etc/kubernetes/kube-controller-manager.yaml ${manifests}/`)
    await readyPod('kube-controller-manager')
  })

  it('leaves everything as it is when a manifest is half-written or wrong, and says so', async () => {
    const whole = await host.read(`${manifests}/kube-scheduler.yaml`)
    const before = host.processes().map(({ pid }) => pid)
    await host.write(`${manifests}/kube-scheduler.yaml`, whole.slice(0, whole.length / 2))
    await host.write(
      `${manifests}/other.yaml`,
      'apiVersion: v1\nkind: Pod\nmetadata: {name: other}\nspec: {containers: []}\n',
    )
    await until(
      'what is wrong is said',
      async () =>
        /manifest describes no pod.*kube-scheduler.yaml/.test(kubelet.output) &&
        /manifest describes no pod.*other.yaml.*spec.containers/.test(kubelet.output),
    )
    await host.write(`${manifests}/kube-scheduler.yaml`, whole)
    await host.sh(`rm ${manifests}/other.yaml`)
    const now = new Set(host.processes().map(({ pid }) => pid))
    const scheduler = processOf('kube-scheduler')
    assert.ok(scheduler && before.includes(scheduler.pid) && now.has(scheduler.pid))
  })

  it('makes a mirror anew that somebody has deleted; the process never knows', async () => {
    const [before, process] = [await podOf('etcd'), processOf('etcd')]
    await host.kubectl('delete', 'pod', '-n', 'kube-system', 'etcd-host1', '--wait=false')
    await readyPod('etcd', ({ metadata }) => metadata.uid !== before.metadata.uid)
    assert.equal(processOf('etcd')?.pid, process?.pid)
  })

  it('starts again what was killed', async () => {
    for (const name of components) {
      const old = processOf(name)
      assert.equal(host.killAll(name), 1)
      const pod = await readyPod(name, ({ status }) => (status.containerStatuses?.[0]?.restartCount ?? 0) >= 1)
      assert.notEqual(processOf(name)?.pid, old?.pid)
      assert.equal(pod.status.phase, 'Running')
    }
  })

  it('takes over what runs when the agent itself was killed', async () => {
    const pids = components.map((name) => processOf(name)?.pid)
    await kubelet.kill('SIGKILL')
    await host.sh(`mv ${manifests}/kube-scheduler.yaml /etc/kubernetes/`)
    kubelet = startKubelet()
    await until('the scheduler to go', async () => processOf('kube-scheduler') === undefined)
    await host.sh(`mv /etc/kubernetes/kube-scheduler.yaml ${manifests}/`)
    await readyPod('kube-scheduler')
    assert.deepEqual(
      components.slice(0, 3).map((name) => processOf(name)?.pid),
      pids.slice(0, 3),
    )
    // It knows when one of them ends, though it did not start it.
    host.killAll('kube-controller-manager')
    await readyPod('kube-controller-manager', () => processOf('kube-controller-manager')?.pid !== pids[2])
  })

  it('shows a new certificate as soon as it lies there', async () => {
    const shown = () =>
      new Promise<string>((resolve, reject) => {
        const socket = connect({ host: host.address, port: 6443, rejectUnauthorized: false }, () => {
          resolve(socket.getPeerX509Certificate()?.serialNumber ?? '')
          socket.destroy()
        })
        socket.once('error', reject)
      })
    const [before, process] = [await shown(), processOf('kube-apiserver')]
    const { certificate, key } = issueCertificate(
      pki.ca,
      { commonName: 'kube-apiserver', usages: ['server'], hosts: [host.address, '127.0.0.1', 'localhost'] },
      realWorld(),
    )
    await host.write('/etc/kubernetes/pki/apiserver.key', key)
    await host.write('/etc/kubernetes/pki/apiserver.crt', certificate)
    await until('the new certificate', async () => (await shown()) !== before)
    assert.equal(processOf('kube-apiserver')?.pid, process?.pid)
  })

  it('refuses a flag that it does not know, by its name', async () => {
    const { code, stderr } = await host.coracle('kube-scheduler', '--insecure-port=0')
    assert.equal(code, 1)
    assert.match(stderr, /unknown flag: --insecure-port/)
    await host.write(
      '/etc/kubernetes/wrong.yaml',
      'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nfailSwap: true\n',
    )
    const wrong = await host.coracle('kubelet', '--config=/etc/kubernetes/wrong.yaml')
    assert.match(wrong.stderr, /failed to load kubelet config file.*unknown field "failSwap"/)
  })
})
