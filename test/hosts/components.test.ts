/** One host with `init`, of both families of addresses: what its parts say of themselves, and what its proxies are told. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Host, Hosts, hostsMissing, until } from '../support/hosts.ts'

const second = 'fd00:172:20::2'

const configuration = ({ address }: Host) => `
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: ${address}}
nodeRegistration:
  name: master1
  taints: []
  kubeletExtraArgs:
  - {name: node-ip, value: "${address},${second}"}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
networking:
  serviceSubnet: 10.96.0.0/16,fd00:10:96::/112
  podSubnet: 10.244.0.0/16,fd00:10:244::/56
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
`

const web = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: nginx}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ipFamilyPolicy: PreferDualStack, ports: [{port: 80}]}
`

describe('a host of both families', { skip: hostsMissing() ?? false }, () => {
  let hosts: Hosts
  let host: Host

  const read = (what: string, path: string) => host.kubectl('get', ...what.split(' '), '-o', `jsonpath=${path}`)
  const health = async () => {
    const text = await host.kubectl('get', 'componentstatuses', '--no-headers')
    return Object.fromEntries(
      text.split('\n').map((line) => {
        const [name = '', status, ...message] = line.trim().split(/ {2,}/)
        return [name, [status, message[0]]]
      }),
    )
  }
  const rollout = (name: string) => host.kubectl('rollout', 'status', name, '--timeout=40s')

  before(async () => {
    hosts = await Hosts.create({ count: 1, names: ['master1'] })
    host = hosts.all[0]!
    await host.write('/etc/kubernetes/kubeadm-config.yaml', configuration(host))
    const args = ['--config', '/etc/kubernetes/kubeadm-config.yaml', '--ignore-preflight-errors', 'NumCPU,Mem']
    const { code, stdout, stderr } = await host.coracle('init', ...args)
    assert.equal(code, 0, stdout + stderr)
  })
  after(() => hosts?.[Symbol.asyncDispose]())

  it('has a node with an address of each [DST-01]', async () => {
    const internal = '{.status.addresses[?(@.type=="InternalIP")].address}'
    await until('the node', async () => (await read('node master1', internal)) === `${host.address} ${second}`)
    const ranges = await until('its ranges', () => read('node master1', '{.spec.podCIDRs[*]}'))
    assert.match(ranges, /^10\.244\.\d+\.0\/24 fd00:10:244(:\w+)?::\/64$/)
  })

  it('gives pods two addresses, and services that want it [DST-02]', async () => {
    await host.write('/etc/kubernetes/web.yaml', web)
    await host.kubectl('create', '-f', '/etc/kubernetes/web.yaml')
    await rollout('deployment/web')
    for (const addresses of (await read('pods -l app=web', '{range .items[*]}{.status.podIPs[*].ip}{"\\n"}{end}'))
      .trim()
      .split('\n'))
      assert.match(addresses, /^10\.244\.\d+\.\d+ fd00:10:244:[\w:]+$/)
    assert.match(await read('service web', '{.spec.clusterIPs[*]}'), /^10\.96\.\d+\.\d+ fd00:10:96::\w+$/)
    assert.equal(await read('service kubernetes', '{.spec.clusterIPs[*]}'), '10.96.0.1')
  })

  it('has the API at 6443, and the others at ports with TLS alone [CMP-11]', async () => {
    const answer = async (url: string) => (await host.run('curl', ['-sk', '--max-time', '5', url])).stdout
    assert.equal(await answer(`https://${host.address}:6443/healthz`), 'ok')
    for (const port of [10_257, 10_259]) {
      assert.equal(await answer(`https://127.0.0.1:${port}/healthz`), 'ok')
      assert.match(await answer(`https://127.0.0.1:${port}/metrics`), /forbidden/)
      assert.equal(await answer(`http://127.0.0.1:${port}/healthz`), '')
    }
    for (const port of [8080, 10_251, 10_252]) assert.equal(await answer(`http://127.0.0.1:${port}/healthz`), '')
  })

  const manifest = (component: string) => `/etc/kubernetes/manifests/${component}.yaml`
  const components = { 'kube-scheduler': 10_259, 'kube-controller-manager': 10_257 }

  it('shows parts that do not say how they are as unhealthy, while they work [CMP-02]', async () => {
    for (const component of Object.keys(components)) {
      const text = await host.read(manifest(component))
      const first = `    - ${component}\n`
      assert.ok(text.includes(first), text)
      await host.write(manifest(component), text.replace(first, `${first}    - --secure-port=0\n`), 0o600)
    }
    for (const [component, port] of Object.entries(components)) {
      const name = component.slice('kube-'.length)
      const message = `Get "https://127.0.0.1:${port}/healthz": dial tcp 127.0.0.1:${port}: connect: connection refused`
      await until(`${name} is silent`, async () => (await health())[name]?.[0] === 'Unhealthy', 40_000)
      assert.deepEqual((await health())[name], ['Unhealthy', message])
    }
    assert.equal((await health())['etcd-0']?.[0], 'Healthy')
    await host.kubectl('scale', 'deployment', 'web', '--replicas=4')
    await rollout('deployment/web')
  })

  it('shows them as healthy when the line is taken out again, and the kubelet has made the pods anew [CMP-03]', async () => {
    for (const component of Object.keys(components)) {
      const uid = () => read(`pod ${component}-master1 -n kube-system`, '{.metadata.uid}')
      const before = await uid()
      const text = await host.read(manifest(component))
      await host.write(manifest(component), text.replace('    - --secure-port', '    # - --secure-port'), 0o600)
      const name = component.slice('kube-'.length)
      await until(`${name} is well`, async () => (await health())[name]?.[0] === 'Healthy', 40_000)
      await until(`${name} is another pod`, async () => (await uid()) !== before, 40_000)
    }
  })

  it('shows an etcd that does not answer, and that it is back', async () => {
    const path = manifest('etcd')
    const text = await host.read(path)
    await host.sh(`rm ${path}`)
    await until('etcd is missed', async () => (await health())['etcd-0']?.[0] === 'Unhealthy', 40_000)
    assert.deepEqual((await health())['etcd-0'], ['Unhealthy', 'context deadline exceeded'])
    await host.write(path, text, 0o600)
    await until('etcd is back', async () => (await health())['etcd-0']?.[0] === 'Healthy', 40_000)
  })

  it('tells proxies of a changed mode when they begin, and not those that run [SVC-21]', async () => {
    const pods = () => read('pods -n kube-system -l k8s-app=kube-proxy', '{.items[*].metadata.uid}')
    const before = await until('a proxy', pods)
    await host.write('/etc/kubernetes/editor.sh', '#!/bin/sh\nsed -i s/iptables/ipvs/ "$1"\n', 0o755)
    const env = { KUBECONFIG: '/etc/kubernetes/admin.conf', KUBE_EDITOR: '/etc/kubernetes/editor.sh' }
    const edited = await host.run('kubectl', ['edit', 'configmaps/kube-proxy', '-n', 'kube-system'], { env })
    assert.equal(edited.stdout, 'configmap/kube-proxy edited\n', edited.stderr)
    assert.match(await read('configmap kube-proxy -n kube-system', '{.data.config\\.conf}'), /^mode: ipvs$/m)
    assert.equal(await pods(), before)
    assert.equal(
      await read('pods -n kube-system -l k8s-app=kube-proxy', '{.items[*].status.containerStatuses[0].restartCount}'),
      '0',
    )
  })
})
