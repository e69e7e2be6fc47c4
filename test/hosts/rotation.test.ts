/** Authorities are replaced on a running cluster of two control planes and a worker, and nobody is restarted for it. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { parseBundle } from '../../src/lifecycle/pki/files.ts'
import { readCluster } from '../../src/lifecycle/pki/kubeconfigs.ts'
import { rotationSteps } from '../../src/lifecycle/pki/rotate.ts'
import { type Host, Hosts, hostsMissing, type Started, until } from '../support/hosts.ts'

const lenient = '--ignore-preflight-errors NumCPU,Mem'
const pki = '/etc/kubernetes/pki'

/** A command of which the output matters when it fails. */
async function told(host: Host, line: string): Promise<string> {
  const { code, stdout, stderr } = await host.sh(line)
  assert.equal(code, 0, `${host.name}: ${line}\n${stdout}${stderr}`)
  return stdout
}

const joinCommands = (output: string): string[] => {
  const lines = output.replaceAll(/ \\\n\t/g, ' ').split('\n')
  return lines.flatMap((line) => (line.trim().startsWith('coracle join') ? [line.trim()] : []))
}

/** What runs, by name, with the numbers of the processes. */
const running = (host: Host, ...names: string[]) =>
  host
    .processes()
    .flatMap(({ pid, args }) => names.filter((name) => args.includes(name)).map((name) => `${name} ${pid}`))
    .sort()

const components = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler']

describe('another authority', { skip: hostsMissing() ?? false }, () => {
  let hosts: Hosts
  let [first, second, worker]: Host[] = []
  const kubelets = new Map<Host, Started>()
  let replicas = 1

  before(async () => {
    hosts = await Hosts.create({ count: 3, names: ['cp1', 'cp2', 'node1'] })
    ;[first, second, worker] = hosts.all
    const init = `coracle init --control-plane-endpoint ${first!.address} --pod-network-cidr 10.244.0.0/16 --upload-certs ${lenient}`
    const [controlPlane, node] = joinCommands(await told(first!, init))
    await Promise.all([told(second!, `${controlPlane} ${lenient}`), told(worker!, node!)])
    await first!.kubectl('create', 'deployment', 'web', '--image=nginx', `--replicas=${replicas}`)
    await works()
  })
  after(() => hosts?.[Symbol.asyncDispose]())

  /** Everybody has a say in it: all nodes, both API servers, controllers and scheduler, whoever leads. */
  async function works(): Promise<void> {
    await until('all nodes are ready', async () => {
      const rows = (await second!.kubectl('get', 'nodes', '--no-headers')).split('\n')
      return rows.length === 3 && rows.every((row) => / Ready /.test(row))
    })
    replicas = replicas === 1 ? 2 : 1
    await first!.kubectl('scale', 'deployment/web', `--replicas=${replicas}`)
    await second!.kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')
  }

  /** One step on all control planes. */
  async function step(authority: string, name: string): Promise<void> {
    const output = await told(first!, `coracle certs rotate-ca ${authority} --upload-certs`)
    assert.match(output, new RegExp(`\\(${name}\\) for ${authority}:`))
    const [command] = /coracle certs rotate-ca \S+ --step \S+ --certificate-key \S+/.exec(output)!
    await told(second!, command)
  }

  /** The hour in which nodes look is over: kubelets look when they start as well. */
  async function restartKubelet(host: Host): Promise<void> {
    const [{ pid, args } = { pid: 0, args: [] }] = host.processes().filter(({ args }) => args.includes('kubelet'))
    process.kill(pid, 'SIGKILL')
    await kubelets.get(host)?.exited
    kubelets.set(host, host.start(args[0]!, args.slice(1)))
  }

  const bundleOf = async (host: Host) =>
    parseBundle(readCluster(await host.read('/etc/kubernetes/kubelet.conf'), '').certificateAuthority!)

  const ownOf = async (host: Host) =>
    new X509Certificate((await host.sh('cat /var/lib/kubelet/pki/kubelet-client-current.pem')).stdout)

  it('of the cluster: trusted, signs, is the only one', async () => {
    const before = [first!, second!].map((host) => running(host, ...components, 'etcd'))
    const watch = first!.start('kubectl', ['get', 'configmaps', '--watch-only', '-o', 'name'], {
      KUBECONFIG: '/etc/kubernetes/admin.conf',
    })
    const old = new X509Certificate(await first!.read(`${pki}/ca.crt`))
    await told(first!, 'cp /etc/kubernetes/admin.conf /var/lib/coracle/old.conf')
    for (const name of rotationSteps) {
      await step('ca', name)
      assert.equal(await first!.read(`${pki}/ca.crt`), await second!.read(`${pki}/ca.crt`))
      await restartKubelet(worker!)
      const [signer] = parseBundle(await first!.read(`${pki}/ca.crt`))
      for (const host of [first!, second!, worker!])
        await until(`${host.name} is where ${name} leads`, async () => {
          const bundle = await bundleOf(host)
          return bundle.length === (name === 'drop' ? 1 : 2) && (await ownOf(host)).verify(signer!.publicKey)
        })
      await works()
      await first!.kubectl('create', 'configmap', `after-${name}`)
    }
    assert.notEqual(parseBundle(await first!.read(`${pki}/ca.crt`))[0]!.fingerprint256, old.fingerprint256)
    const refused = await first!.run('kubectl', ['get', 'nodes', '--kubeconfig', '/var/lib/coracle/old.conf'])
    assert.match(refused.stderr, /certificate signed by unknown authority|Unauthorized/)
    assert.equal(
      await first!.kubectl('get', 'configmap', 'kube-root-ca.crt', '-o', 'jsonpath={.data.ca\\.crt}'),
      (await first!.read(`${pki}/ca.crt`)).trim(),
    )
    await until('the watch has seen all of it', async () =>
      rotationSteps.every((name) => watch.output.includes(`configmap/after-${name}`)),
    )
    await watch.kill()
    assert.deepEqual(
      [first!, second!].map((host) => running(host, ...components, 'etcd')),
      before,
    )
  })

  it('of the front proxy: what aggregated servers are told follows', async () => {
    const before = [first!, second!].map((host) => running(host, ...components))
    for (const name of rotationSteps) {
      await step('front-proxy-ca', name)
      const bundle = (await first!.read(`${pki}/front-proxy-ca.crt`)).trim()
      await until('they are told', async () => {
        const path = 'jsonpath={.data.requestheader-client-ca-file}'
        const map = 'extension-apiserver-authentication'
        return (await first!.kubectl('get', 'configmap', '-n', 'kube-system', map, '-o', path)) === bundle
      })
    }
    await works()
    assert.deepEqual(
      [first!, second!].map((host) => running(host, ...components)),
      before,
    )
  })

  it('of etcd: its members are started anew where they must, one after the other', async () => {
    const before = [first!, second!].map((host) => running(host, ...components))
    for (const name of rotationSteps) {
      await step('etcd-ca', name)
      await until('both members are well', async () => {
        const status = await first!.etcdctl('endpoint', 'status', '--cluster')
        return status.split('\n').length === 2
      })
    }
    await works()
    assert.deepEqual(
      [first!, second!].map((host) => running(host, ...components)),
      before,
    )
  })
})
