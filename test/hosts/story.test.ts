/**
 * The operators' notes told from beginning to end on six hosts: a balancer, three control planes on a real etcd, two
 * workers. A control plane dies and comes back, a snapshot is restored, certificates are renewed, a token is lost, a
 * host gets another name. Real kubectl and etcdctl say what came of it.
 */
import assert from 'node:assert/strict'
import { copyFile, mkdir, rm } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { agentOf, restartAgent } from '../support/host-agent.ts'
import { networkPlugin } from '../support/host-network-plugin.ts'
import { type Host, Hosts, hostsMissing, type Started, until } from '../support/hosts.ts'

/** What hosts of tests have less of than a control plane should. */
const lenient = '--ignore-preflight-errors NumCPU,Mem'

const admin = { KUBECONFIG: '/etc/kubernetes/admin.conf' }

/** A command of which the output matters when it fails. */
async function told(host: Host, line: string): Promise<string> {
  const { code, stdout, stderr } = await host.sh(line)
  assert.equal(code, 0, `${host.name}: ${line}\n${stdout}${stderr}`)
  return stdout
}

/** The commands to join that a command printed, without line breaks: of a control plane, and of a worker. */
function joinCommands(output: string): string[] {
  const lines = output.replaceAll(/ \\\n\t/g, ' ').split('\n')
  return lines.flatMap((line) => (line.trim().startsWith('coracle join') ? [line.trim()] : []))
}

async function readyNodes(host: Host): Promise<string[]> {
  const path = '{range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}'
  const lines = (await host.kubectl('get', 'nodes', '-o', `jsonpath=${path}`)).split('\n')
  return lines.flatMap((line) => (line.endsWith(' True') ? [line.split(' ')[0]!] : []))
}

const untilReady = (host: Host, ...names: string[]) =>
  until(`${names} are ready`, async () => {
    const ready = await readyNodes(host)
    return names.every((name) => ready.includes(name))
  })

/** A node that says nothing is missed after half of the usual time. */
const clusterFile = (controlPlaneEndpoint: string) =>
  JSON.stringify({
    apiVersion: 'kubeadm.k8s.io/v1beta4',
    kind: 'ClusterConfiguration',
    controlPlaneEndpoint,
    networking: { podSubnet: '10.244.0.0/16' },
    controllerManager: { extraArgs: [{ name: 'node-monitor-grace-period', value: '20s' }] },
  })

/** What a file that `join` is given says; the notes write this version. */
const joinFile = (command: string, more: object) =>
  JSON.stringify({
    apiVersion: 'kubeadm.k8s.io/v1beta2',
    kind: 'JoinConfiguration',
    discovery: {
      bootstrapToken: {
        apiServerEndpoint: /join (\S+)/.exec(command)![1],
        token: /--token (\S+)/.exec(command)![1],
        caCertHashes: [/sha256:\S+/.exec(command)![0]],
      },
    },
    ...more,
  })

/** How many pods of the system run, by what they are. */
async function systemPods(host: Host): Promise<Readonly<Record<string, number>>> {
  const rows = (await host.kubectl('get', 'pods', '-n', 'kube-system', '--no-headers')).split('\n')
  const count: Record<string, number> = {}
  for (const row of rows) {
    const [name = '', ready, state] = row.split(/\s+/)
    const what = /^(etcd|coredns|kube-(?:apiserver|controller-manager|scheduler|proxy|flannel))/.exec(name)?.[1] ?? name
    if (ready === '1/1' && state === 'Running') count[what] = (count[what] ?? 0) + 1
  }
  return count
}

const untilPods = (host: Host, masters: number, nodes: number) =>
  until(`the pods of ${nodes} nodes`, async () => {
    const wanted = {
      coredns: 2,
      ...Object.fromEntries(
        ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map((name) => [name, masters]),
      ),
      ...{ 'kube-flannel': nodes, 'kube-proxy': nodes },
    }
    const found = await systemPods(host)
    if (isDeepStrictEqual(found, wanted)) return true
    throw new Error(JSON.stringify(found))
  })

/** Names of the members as etcd's own tool lists them, those that are started. */
async function members(host: Host): Promise<string[]> {
  const lines = (await host.etcdctl('member', 'list')).split('\n')
  return lines.flatMap((line) => (line.includes(', started, ') ? [line.split(', ')[2]!] : [])).sort()
}

describe('the notes, on six hosts', { skip: hostsMissing() ?? false }, () => {
  let hosts: Hosts
  let [balancer, first, second, third, worker, other]: Host[] = []
  let balancing: Started
  const names = ['lb', ...['master01', 'master02', 'master03', 'node01', 'node02'].map((name) => `${name}.k8s.hs.com`)]
  const [, master01 = '', master02 = '', master03 = '', node01 = '', node02 = ''] = names
  const endpoint = 'k8s.hs.com:6443'
  let commands: string[] = []

  /** The record of the endpoint, on all hosts. */
  const point = async (to: Host) => {
    for (const host of hosts.all) {
      const table = (await host.read('/etc/hosts')).replace(/^.* k8s\.hs\.com\n/m, '')
      await host.write('/etc/hosts', `${table}${to.address} k8s.hs.com\n`)
    }
  }

  before(async () => {
    hosts = await Hosts.create({ count: 6, names })
    ;[balancer, first, second, third, worker, other] = hosts.all
    await point(first!)
    const backends = [first!, second!, third!].map(({ address }) => `${address}:6443`)
    balancing = balancer!.start('coracle', [
      'lb',
      '--listen',
      ':6443',
      '--status',
      '127.0.0.1:8404',
      '--backend',
      ...backends,
    ])
  })
  after(async () => {
    await balancing?.kill()
    await hosts?.[Symbol.asyncDispose]()
  })

  it('three nodes from nothing: by command, and by file [JOI-02 JOI-03 TOP-10]', async (t) => {
    const begun = performance.now()
    await first!.write('/etc/kubernetes/kubeadm.json', clusterFile(endpoint))
    const init = `coracle init --config /etc/kubernetes/kubeadm.json --upload-certs ${lenient}`
    commands = joinCommands(await told(first!, init))
    const [, node = ''] = commands
    await first!.run('kubectl', ['apply', '-f', '-'], { input: networkPlugin, env: admin })
    await other!.write('/etc/kubernetes/kubeadm-worker.yaml', joinFile(node, {}))
    await Promise.all([
      told(worker!, node),
      told(other!, 'coracle join --config /etc/kubernetes/kubeadm-worker.yaml').then((said) =>
        assert.match(said, /This node has joined the cluster:/),
      ),
    ])
    await untilReady(first!, master01, node01, node02)
    t.diagnostic(`from the first command to three Ready nodes: ${Math.round(performance.now() - begun)} ms`)
    const rows = (await first!.kubectl('get', 'nodes', '--no-headers')).split('\n').map((row) => row.split(/\s+/))
    assert.deepEqual(
      rows.map(([name, status, roles]) => [name, status, roles]),
      [
        [master01, 'Ready', 'control-plane'],
        [node01, 'Ready', '<none>'],
        [node02, 'Ready', '<none>'],
      ],
    )
    await untilPods(first!, 1, 3)
  })

  it('two more control planes at once: by key, and by file and copied certificates [JOI-04 JOI-07 JOI-08]', async (t) => {
    const begun = performance.now()
    const [controlPlane = ''] = commands
    const shared = ['ca', 'front-proxy-ca', 'etcd/ca'].flatMap((name) => [`${name}.crt`, `${name}.key`])
    const pki = [...shared, 'sa.key', 'sa.pub'].map((name) => `/etc/kubernetes/pki/${name}`)
    await mkdir(`${third!.folder}/etc/kubernetes/pki/etcd`, { recursive: true })
    for (const path of pki) await copyFile(first!.folder + path, third!.folder + path)
    const more = {
      controlPlane: { localAPIEndpoint: { advertiseAddress: third!.address, bindPort: 6443 } },
      nodeRegistration: { ignorePreflightErrors: ['NumCPU', 'Mem'] },
    }
    await third!.write('/etc/kubernetes/kubeadm-controlplane.yaml', joinFile(controlPlane, more))
    await Promise.all([
      told(second!, `${controlPlane} ${lenient}`),
      told(third!, 'coracle join --config /etc/kubernetes/kubeadm-controlplane.yaml').then((said) =>
        assert.match(said, /a new control plane instance was created:[\s\S]*A new etcd member was added/),
      ),
    ])
    await untilReady(first!, ...names.slice(1))
    t.diagnostic(`to five Ready nodes: ${Math.round(performance.now() - begun)} ms`)
    for (const path of pki) assert.equal(await second!.read(path), await first!.read(path), path)
    assert.deepEqual(await members(first!), [master01, master02, master03])
    await untilPods(first!, 3, 5)
    await first!.kubectl('create', 'deployment', 'web', '--image=nginx', '--replicas=4')
    await first!.kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
  })

  it('who uses the endpoint: administrators, kubelets and proxies, not what runs beside an API server [TOP-16]', async () => {
    const server = async (host: Host, file: string) =>
      /server: (\S+)/.exec(await host.read(`/etc/kubernetes/${file}`))![1]
    for (const host of [first!, second!, third!]) {
      assert.equal(await server(host, 'admin.conf'), `https://${endpoint}`)
      for (const file of ['controller-manager.conf', 'scheduler.conf'])
        assert.equal(await server(host, file), `https://${host.address}:6443`)
    }
    for (const host of [worker!, other!]) assert.equal(await server(host, 'kubelet.conf'), `https://${endpoint}`)
    const proxy = await first!.kubectl('get', 'configmap', '-n', 'kube-system', 'kube-proxy', '-o', 'yaml')
    assert.ok(proxy.includes(`server: https://${endpoint}`))
  })

  it('the endpoint is the first one, and fails with it, until its record leads to the balancer [TOP-11 TOP-17 TOP-18]', async () => {
    const kubeconfigs = () => Promise.all(hosts.all.slice(1).map((host) => host.read('/etc/kubernetes/kubelet.conf')))
    const before = await kubeconfigs()
    const manifest = '/etc/kubernetes/manifests/kube-apiserver.yaml'
    await first!.sh(`mv ${manifest} /etc/kubernetes/`)
    const failed = await until('nobody at the endpoint', async () => {
      const ended = await second!.tryKubectl('get', 'nodes', '--request-timeout=3s')
      return ended.code !== 0 && ended
    })
    assert.match(failed.stderr, /The connection to the server k8s\.hs\.com:6443 was refused/)
    const beside = ['-s', `https://${second!.address}:6443`]
    assert.match(await second!.kubectl('get', 'deployment', 'web', ...beside), /4\/4/)
    await point(balancer!)
    assert.match(await until('the same by the balancer', () => second!.kubectl('get', 'deployment', 'web')), /4\/4/)
    const switched = Date.now()
    await until('all nodes but one say by it that they are alive', async () => {
      const path = '{range .items[*]}{.metadata.name} {.spec.renewTime}{"\\n"}{end}'
      const leases = await second!.kubectl('get', 'leases', '-n', 'kube-node-lease', '-o', `jsonpath=${path}`)
      return leases.split('\n').filter((line) => Date.parse(line.split(' ')[1]!) > switched).length >= 4
    })
    await first!.sh(`mv /etc/kubernetes/kube-apiserver.yaml ${manifest}`)
    await untilReady(second!, ...names.slice(1))
    assert.deepEqual(await kubeconfigs(), before)
    assert.match(
      await until('it serves again', () =>
        first!.kubectl('get', 'deployment', 'web', '-s', `https://${first!.address}:6443`),
      ),
      /4\/4/,
    )
  })

  it('a host is cleared, and renamed; time passes until it is missed', async () => {
    await second!.kubectl('drain', node02, '--ignore-daemonsets')
    await other!.sh('hostname worker-two')
    await restartAgent(other!, agentOf(other!))
    await second!.kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
    // Who is in charge may just have lost sight of the cluster, and call well what was so a moment ago.
    await until('all four where they may be', async () => {
      const path = '{range .items[*]}{.spec.nodeName} {.status.phase}{"\\n"}{end}'
      const pods = await second!.kubectl('get', 'pods', '-l', 'app=web', '-o', `jsonpath=${path}`)
      return isDeepStrictEqual(pods.trim().split('\n'), Array(4).fill(`${node01} Running`))
    })
  })

  it('a control plane dies: writes go on, and what was answered is there', async (t) => {
    const written: string[] = []
    first!.kill()
    const died = performance.now()
    let gap = 0
    for (let last = died; performance.now() - died < 8_000; ) {
      const name = `after-${written.length}`
      const { code } = await second!.tryKubectl('create', 'configmap', name, '--request-timeout=3s')
      if (code !== 0) continue
      written.push(name)
      gap = Math.max(gap, performance.now() - last)
      last = performance.now()
    }
    t.diagnostic(`longest time without a write: ${Math.round(gap)} ms, ${written.length} written`)
    const there = await second!.kubectl('get', 'configmaps', '-o', 'name')
    for (const name of written) assert.ok(there.includes(`configmap/${name}`), name)
    const status = await second!.sh('coracle etcd status --cluster')
    assert.match(status.stdout + status.stderr, new RegExp(first!.address))
  })

  it('its member is taken out, and the host comes back under its name, as new [FLR-11 FLR-13 JOI-25 JOI-26]', async () => {
    const idOf = async (name: string) =>
      (await second!.etcdctl('member', 'list'))
        .split('\n')
        .find((line) => line.includes(name))
        ?.split(',')[0]
    const id = await idOf(master01)
    assert.ok(id)
    const planned = await told(second!, `coracle etcd replace ${master01} --dry-run`)
    assert.ok(planned.includes(master01))
    assert.equal((await members(second!)).length, 3, 'a plan changes nothing')
    await told(second!, `coracle etcd member remove ${master01}`)
    await second!.kubectl('delete', 'node', master01)
    for (const folder of ['/etc/kubernetes', '/var/lib/etcd', '/var/lib/kubelet', '/var/log/pods']) {
      await rm(first!.folder + folder, { recursive: true })
      await mkdir(first!.folder + folder, { recursive: true })
    }
    await first!.boot()
    const upload = await told(second!, 'coracle init phase upload-certs --upload-certs')
    const key = /[0-9a-f]{64}/.exec(upload)![0]
    const join = await told(second!, `coracle token create --print-join-command --certificate-key ${key}`)
    assert.match(
      join,
      /^coracle join \S+ --token \S+ --discovery-token-ca-cert-hash \S+ --control-plane --certificate-key \S+\n$/,
    )
    const joined = Date.now()
    await told(first!, `${join.trim()} ${lenient}`)
    await untilReady(second!, master01)
    assert.deepEqual(await members(second!), [master01, master02, master03])
    assert.notEqual(await idOf(master01), id)
    const made = await second!.kubectl('get', 'node', master01, '-o', 'jsonpath={.metadata.creationTimestamp}')
    assert.ok(Date.parse(made) >= joined - 1000, 'its age begins anew')
    await until('the balancer uses all three', async () => {
      const states = await told(balancer!, 'curl -s http://127.0.0.1:8404/')
      return states.match(/:6443 +up /g)?.length === 3
    })
  })

  it('a snapshot is restored on three members', async () => {
    const file = '/var/lib/coracle/etcd.db'
    await second!.kubectl('create', 'configmap', 'before-snapshot')
    await told(second!, `coracle etcd snapshot save ${file}`)
    assert.match(await second!.etcdctl('snapshot', 'status', file, '-w', 'table'), /HASH/)
    await second!.kubectl('create', 'configmap', 'after-snapshot')
    const plan = `${file}.plan.json`
    const planned = await told(second!, `coracle etcd snapshot restore ${file}`)
    assert.ok(planned.includes(master03))
    for (const host of [first!, third!])
      for (const path of [file, plan]) await copyFile(second!.folder + path, host.folder + path)
    await Promise.all(
      [first!, second!, third!].map((host) =>
        told(host, `coracle etcd snapshot restore ${file} --plan ${plan} --local`),
      ),
    )
    await until('the API answers again', async () => {
      const maps = await second!.kubectl('get', 'configmaps', '-o', 'name', '--request-timeout=2s')
      return maps.includes('configmap/before-snapshot') && !maps.includes('configmap/after-snapshot')
    })
    assert.deepEqual(await members(second!), [master01, master02, master03])
    // Who watched the old history is told to look anew, and goes on working. One that answers is not all three: the
    // balancer may still lead to an API server that ends or begins.
    await until('it is told to scale', () => second!.kubectl('scale', 'deployment/web', '--replicas=6'))
    await second!.kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
    await untilReady(second!, master01, master02, master03, node01)
  })

  it('certificates are renewed, and nobody is restarted', async () => {
    const servers = first!.processes().filter(({ args }) => args.includes('kube-apiserver'))
    const show = `openssl s_client -connect ${first!.address}:6443 </dev/null 2>/dev/null | openssl x509 -noout -serial`
    const shown = await told(first!, show)
    assert.match(await told(first!, 'coracle certs check-expiration'), /apiserver-etcd-client .* 364d /)
    await told(first!, 'coracle certs renew all')
    await until('the new certificate is shown', async () => (await told(first!, show)) !== shown)
    assert.deepEqual(
      first!.processes().filter(({ args }) => args.includes('kube-apiserver')),
      servers,
    )
    await first!.kubectl('get', 'nodes')
  })

  it('a control plane goes as planned: cleared, deleted, reset [FLR-14]', async () => {
    await told(
      second!,
      `KUBECONFIG=${admin.KUBECONFIG} coracle drain ${master03} --ignore-daemonsets --delete-emptydir-data --force`,
    )
    await second!.kubectl('delete', 'node', master03)
    assert.deepEqual(await members(second!), [master01, master02, master03], 'etcd knows nothing of nodes')
    const health = await told(second!, 'coracle etcd health --cluster 2>&1')
    assert.equal(health.match(/ is healthy/g)?.length, 3, health)
    await told(third!, 'coracle reset --force')
    assert.deepEqual(await members(second!), [master01, master02])
  })

  it('a worker becomes a control plane in its place, another the fourth, by one command [TOP-20]', async () => {
    await told(worker!, 'coracle reset --force')
    await second!.kubectl('delete', 'node', node01)
    const upload = await told(second!, 'coracle init phase upload-certs --upload-certs')
    const key = /[0-9a-f]{64}/.exec(upload)![0]
    const join = (await told(second!, `coracle token create --print-join-command --certificate-key ${key}`)).trim()
    await Promise.all([worker!, third!].map((host) => told(host, `${join} ${lenient}`)))
    await untilReady(second!, master01, master02, master03, node01)
    assert.deepEqual(await members(second!), [master01, master02, master03, node01])
  })

  it('a lost token is made anew, and a host gets another name [JOI-22 JOI-23]', async () => {
    const [, node = ''] = commands
    const token = /--token (\S+)/.exec(node)![1]!
    await told(second!, `coracle token delete ${token}`)
    // The host that was renamed speaks for its old node no more, and may not for another.
    const ready = ['get', 'node', node02, '-o', 'jsonpath={.status.conditions[?(@.type=="Ready")].status}']
    await until('the old node is missed', async () => (await second!.kubectl(...ready)) === 'Unknown', 60_000)
    assert.doesNotMatch(await second!.kubectl('get', 'nodes'), /worker-two/)
    assert.match(await other!.read('/var/log/coracle/kubelet.log'), /worker-two/)
    await told(other!, 'coracle reset --force')
    // It is waited for, as the signature may be about to be made: five minutes unless the configuration says otherwise.
    const bootstrapToken = { apiServerEndpoint: endpoint, token, caCertHashes: [/sha256:\S+/.exec(node)![0]] }
    const configuration = {
      ...{ apiVersion: 'kubeadm.k8s.io/v1beta4', kind: 'JoinConfiguration' },
      ...{ discovery: { bootstrapToken }, timeouts: { discovery: '2s' } },
    }
    await other!.write('/etc/kubernetes/join.yaml', JSON.stringify(configuration))
    const refused = await other!.sh('coracle join --config /etc/kubernetes/join.yaml')
    assert.equal(refused.code, 1)
    assert.match(
      refused.stderr,
      new RegExp(`JWS signature in the cluster-info ConfigMap for token ID "${token.slice(0, 6)}"`),
    )
    const join = (await told(second!, 'coracle token create --print-join-command')).trim()
    await told(other!, join)
    await untilReady(second!, 'worker-two')
    assert.match(await second!.kubectl('get', 'nodes'), new RegExp(`^${node02} +NotReady`, 'm'))
    await second!.kubectl('delete', 'node', node02)
    await second!.kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
  })
})
