/** The other topology: etcd on hosts of its own, and control planes that know it by the names of those hosts. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { issueCertificate } from '../../src/lifecycle/pki.ts'
import { realWorld } from '../../src/world/real.ts'
import { commandsOf, createSharedPki, writeControlPlane } from '../support/control-plane-files.ts'
import { type Host, Hosts, hostsMissing, until } from '../support/hosts.ts'

/** What hosts of tests have less of than a control plane should. */
const lenient = ['--ignore-preflight-errors', 'NumCPU,Mem'] as const
const files = { caFile: '/etc/etcd/ca.crt', certFile: '/etc/etcd/client.crt', keyFile: '/etc/etcd/client.key' } as const

describe('etcd on hosts of its own', { skip: hostsMissing() ?? false }, () => {
  let hosts: Hosts
  let members: readonly Host[]
  let [first, second]: Host[] = []
  const pki = createSharedPki()

  const startEtcd = (host: Host) => {
    const [etcd = '', ...flags] = commandsOf(host, { pki, members }).etcd
    host.start(etcd, flags)
  }

  before(async () => {
    hosts = await Hosts.create({ count: 5, names: ['etcd1', 'etcd2', 'etcd3', 'master1', 'master2'] })
    members = hosts.all.slice(0, 3)
    ;[first, second] = hosts.all.slice(3)
    for (const host of members) {
      await writeControlPlane(host, { pki, members, manifests: false })
      startEtcd(host)
    }
    const wish = { commonName: 'kube-apiserver-etcd-client', usages: ['client'] as const }
    const client = issueCertificate(pki.etcdCa, wish, realWorld())
    await first!.write(files.caFile, pki.etcdCa.certificate)
    await first!.write(files.certFile, client.certificate)
    await first!.write(files.keyFile, client.key, 0o600)
  })
  after(() => hosts?.[Symbol.asyncDispose]())

  it('three of them serve as many control planes as one likes; those run none [TOP-04 TOP-07]', async () => {
    const endpoints = members.map(({ name }) => `https://${name}:2379`)
    const configuration = {
      ...{ apiVersion: 'kubeadm.k8s.io/v1beta4', kind: 'ClusterConfiguration' },
      controlPlaneEndpoint: `${first!.address}:6443`,
      etcd: { external: { endpoints, ...files } },
    }
    await first!.write('/etc/kubernetes/kubeadm.json', JSON.stringify(configuration))
    const made = await first!.coracle('init', '--config', '/etc/kubernetes/kubeadm.json', '--upload-certs', ...lenient)
    assert.equal(made.code, 0, made.stdout + made.stderr)
    const [command = ''] = /coracle join .*?--certificate-key \S+/s.exec(made.stdout) ?? []
    const joined = await second!.coracle(...command.replaceAll('\\\n', ' ').split(/\s+/).slice(1), ...lenient)
    assert.equal(joined.code, 0, joined.stdout + joined.stderr)
    assert.doesNotMatch(joined.stdout, /A new etcd member/)
    for (const host of [first!, second!]) {
      assert.equal((await host.sh('ls /etc/kubernetes/manifests')).stdout.split('\n').includes('etcd.yaml'), false)
      const manifest = await host.read('/etc/kubernetes/manifests/kube-apiserver.yaml')
      assert.ok(manifest.includes(`--etcd-servers=${endpoints.join(',')}`), manifest)
    }
    assert.equal(await second!.read(files.keyFile), await first!.read(files.keyFile))
    await until('two Ready nodes', async () => {
      const rows = await first!.kubectl('get', 'nodes', '--no-headers')
      return rows.match(/ Ready +control-plane /g)?.length === 2
    })
    const pods = await first!.kubectl('get', 'pods', '-n', 'kube-system', '-o', 'name')
    assert.doesNotMatch(pods, /pod\/etcd/)
  })

  it('whichever member is lost, each API server goes on with another [TOP-08]', async () => {
    const written: string[] = []
    for (const lost of members) {
      lost.killAll('etcd')
      for (const host of [first!, second!]) {
        const name = `without-${lost.name}-${host.name}`
        const server = ['-s', `https://${host.address}:6443`, '--request-timeout=5s']
        await until(`a write at ${host.name} without ${lost.name}`, async () => {
          const { code, stderr } = await host.tryKubectl('create', 'configmap', name, ...server)
          return code === 0 || stderr.includes('already exists')
        })
        written.push(name)
      }
      startEtcd(lost)
      await until('all members', async () => {
        const health = await lost.etcdctl('endpoint', 'status', '--cluster')
        return health.split('\n').length === 3
      })
    }
    const names = await second!.kubectl('get', 'configmaps', '-o', 'name')
    for (const name of written) assert.ok(names.includes(`configmap/${name}\n`) || names.endsWith(name), name)
  })
})
