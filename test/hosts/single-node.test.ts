/** The learning path of the notes: one host, flags in place of a file, from `init` to a pod of one's own. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { networkPlugin } from '../support/host-network-plugin.ts'
import { type Host, Hosts, hostsMissing, until } from '../support/hosts.ts'

describe('one host', { skip: hostsMissing() ?? false }, () => {
  let hosts: Hosts
  let [host]: Host[] = []
  let output = ''

  before(async () => {
    hosts = await Hosts.create({ count: 1, names: ['test'] })
    ;[host] = hosts.all
  })
  after(() => hosts?.[Symbol.asyncDispose]())

  const kubectl = (...args: string[]) => host!.kubectl(...args)
  const systemPods = async () =>
    (await kubectl('get', 'pods', '-n', 'kube-system', '--no-headers')).split('\n').map((row) => row.split(/ +/))

  it('init with the flags of the notes [INI-01 INI-02 INI-03 INI-05 INI-07]', async () => {
    const line = `init --image-repository registry.example.com/k8s --kubernetes-version v1.19.0
      --control-plane-endpoint test --apiserver-advertise-address ${host!.address} --pod-network-cidr 10.244.0.0/16
      --token-ttl 0 --ignore-preflight-errors NumCPU,Mem`
    const { code, stdout, stderr } = await host!.coracle(...line.split(/\s+/))
    assert.equal(code, 0, stdout + stderr)
    output = stdout
    assert.match(output, /mkdir -p \$HOME\/\.kube\n/)
    assert.match(output, /\ncoracle join test:6443 --token \S+ \\\n\t--discovery-token-ca-cert-hash sha256:\S+ *\n*$/)
    assert.match(await host!.read('/etc/kubernetes/admin.conf'), /server: https:\/\/test:6443/)
    for (const name of ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'])
      assert.match(
        await host!.read(`/etc/kubernetes/manifests/${name}.yaml`),
        new RegExp(`image: registry\\.example\\.com/k8s/${name}:v1\\.19\\.0\n`),
      )
    const images = await kubectl(
      ...['get', 'deployments,daemonsets', '-n', 'kube-system'],
      ...['-o', 'jsonpath={.items[*].spec.template.spec.containers[*].image}'],
    )
    assert.match(images, /^registry\.example\.com\/k8s\/coredns\S* registry\.example\.com\/k8s\/kube-proxy:v1\.19\.0$/)
    const endpoints = await kubectl('get', 'endpoints', 'kubernetes', '-o', 'jsonpath={.subsets[*].addresses[*].ip}')
    assert.equal(endpoints, host!.address)
    for (const flag of ['advertise-client-urls', 'initial-advertise-peer-urls', 'listen-peer-urls'])
      assert.match(
        await host!.read('/etc/kubernetes/manifests/etcd.yaml'),
        new RegExp(`--${flag}=https://${host!.address}:`),
      )
  })

  it('its token never ends [INI-09]', async () => {
    const { stdout } = await host!.coracle('token', 'list', '--kubeconfig', '/etc/kubernetes/admin.conf')
    const token = /--token (\S+)/.exec(output)![1]!
    assert.match(stdout, new RegExp(`^${token} +<forever> +<never> +authentication,signing `, 'm'))
  })

  it('a copy of admin.conf is all that a user needs [INI-12]', async () => {
    const env = { HOME: '/var/lib/coracle/user' }
    const lines = output.split('\n').filter((line) => /^ {2}(mkdir|sudo cp|sudo chown) /.test(line))
    assert.equal(lines.length, 3, output)
    const copied = await host!.sh(lines.map((line) => line.replace('sudo ', '')).join(' && '), { env })
    assert.equal(copied.code, 0, copied.stderr)
    const asked = await host!.run('kubectl', ['get', 'nodes', '-o', 'name'], { env })
    assert.equal(asked.stdout, 'node/test\n', asked.stderr)
  })

  it('the node is ready, and has addresses for its pods [INI-08 INI-19 INI-20]', async () => {
    const [heading, row] = await until('the node is ready', async () => {
      const rows = (await kubectl('get', 'nodes')).split('\n').map((line) => line.split(/ +/))
      return rows[1]?.[1] === 'Ready' && rows
    })
    assert.deepEqual(heading, ['NAME', 'STATUS', 'ROLES', 'AGE', 'VERSION'])
    assert.deepEqual([row![0], row![2]], ['test', 'control-plane'])
    assert.match(row![4]!, /^v1\.36\.\d+$/)
    assert.equal(await kubectl('get', 'node', 'test', '-o', 'jsonpath={.spec.podCIDR}'), '10.244.0.0/24')
    // It asks for its certificate once, although nobody answered when it began.
    assert.equal((await kubectl('get', 'csr', '-o', 'name')).split('\n').length, 1)
  })

  it('its pods are named after the host, and all run as soon as there is a network [INI-16 INI-17 INI-22]', async () => {
    const applied = await host!.run('kubectl', ['apply', '-f', '-'], {
      input: networkPlugin,
      env: { KUBECONFIG: '/etc/kubernetes/admin.conf' },
    })
    assert.equal(applied.code, 0, applied.stderr)
    const pods = await until('eight pods run', async () => {
      const rows = await systemPods()
      return rows.length === 8 && rows.every(([, ready, status]) => `${ready} ${status}` === '1/1 Running') && rows
    })
    for (const name of ['etcd-test', 'kube-apiserver-test', 'kube-controller-manager-test', 'kube-scheduler-test'])
      assert.ok(
        pods.some(([pod]) => pod === name),
        name,
      )
    const addresses = await kubectl(
      ...['get', 'pods', '-n', 'kube-system', '-l', 'k8s-app=kube-dns', '-o', 'jsonpath={.items[*].status.podIP}'],
    )
    assert.match(addresses, /^10\.244\.0\.\d+ 10\.244\.0\.\d+$/)
  })

  it('without its taint it takes pods of everybody [INI-18]', async () => {
    await kubectl('create', 'deployment', 'web', '--image=nginx')
    const status = () => kubectl('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].status.phase}')
    const reason = '{.items[*].status.conditions[?(@.type=="PodScheduled")].message}'
    await until('the scheduler has nowhere to put it', async () =>
      (await kubectl('get', 'pods', '-l', 'app=web', '-o', `jsonpath=${reason}`)).includes(
        '0/1 nodes are available: 1 node(s) had untolerated taint',
      ),
    )
    assert.equal(await status(), 'Pending')
    assert.equal(
      await kubectl('taint', 'nodes', '--all', 'node-role.kubernetes.io/control-plane-'),
      'node/test untainted',
    )
    await until('it runs', async () => (await status()) === 'Running')
  })

  it('a secret made for it gets a token that lets its bearer in', async () => {
    await kubectl('create', 'serviceaccount', 'robot')
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'robot', annotations: { 'kubernetes.io/service-account.name': 'robot' } },
      type: 'kubernetes.io/service-account-token',
    }
    const env = { KUBECONFIG: '/etc/kubernetes/admin.conf' }
    const applied = await host!.run('kubectl', ['apply', '-f', '-'], { input: JSON.stringify(secret), env })
    assert.equal(applied.code, 0, applied.stderr)
    const base64 = await until('the token is there', () =>
      kubectl('get', 'secret', 'robot', '-o', 'jsonpath={.data.token}'),
    )
    const token = Buffer.from(base64, 'base64').toString()
    const asked = await host!.sh(
      `kubectl --kubeconfig /dev/null --server https://test:6443 --certificate-authority /etc/kubernetes/pki/ca.crt --token ${token} get pods`,
    )
    assert.match(asked.stderr, /User "system:serviceaccount:default:robot" cannot list resource "pods"/)
  })
})
