/**
 * The operators' notes told from beginning to end on six hosts: a balancer, three control planes on a real etcd, two
 * workers. A control plane dies and comes back, a snapshot is restored, certificates are renewed, a token is lost, a
 * host gets another name. Real kubectl and etcdctl say what came of it.
 */
import assert from 'node:assert/strict'
import { copyFile, mkdir, rm } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { type Host, Hosts, hostsMissing, type Started, until } from '../support/hosts.ts'

/** What hosts of tests have less of than a control plane should. */
const lenient = '--ignore-preflight-errors NumCPU,Mem'

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

/** Names of the members as etcd's own tool lists them, those that are started. */
async function members(host: Host): Promise<string[]> {
  const lines = (await host.etcdctl('member', 'list')).split('\n')
  return lines.flatMap((line) => (line.includes(', started, ') ? [line.split(', ')[2]!] : [])).sort()
}

describe('the notes, on six hosts', { skip: hostsMissing() ?? false }, () => {
  let hosts: Hosts
  let [balancer, first, second, third, worker, other]: Host[] = []
  let balancing: Started
  let endpoint = ''
  let commands: string[] = []

  before(async () => {
    hosts = await Hosts.create({ count: 6, names: ['lb', 'master01', 'master02', 'master03', 'node01', 'node02'] })
    ;[balancer, first, second, third, worker, other] = hosts.all
    endpoint = `${balancer!.address}:6443`
    const backends = [first!, second!, third!].map(({ address }) => `${address}:6443`)
    balancing = balancer!.start('coracle', ['lb', '--listen', ':6443', '--backend', ...backends])
  })
  after(async () => {
    await balancing?.kill()
    await hosts?.[Symbol.asyncDispose]()
  })

  it('five nodes from nothing', async (t) => {
    const begun = performance.now()
    const init = `coracle init --control-plane-endpoint ${endpoint} --pod-network-cidr 10.244.0.0/16 --upload-certs ${lenient}`
    commands = joinCommands(await told(first!, init))
    const [controlPlane = '', node = ''] = commands
    await Promise.all([
      // etcd takes one new member at a time.
      told(second!, `${controlPlane} ${lenient}`).then(() => told(third!, `${controlPlane} ${lenient}`)),
      told(worker!, node),
      told(other!, node),
    ])
    await untilReady(first!, 'master01', 'master02', 'master03', 'node01', 'node02')
    t.diagnostic(`from the first command to five Ready nodes: ${Math.round(performance.now() - begun)} ms`)
    assert.deepEqual(await members(first!), ['master01', 'master02', 'master03'])
    await first!.kubectl('create', 'deployment', 'web', '--image=nginx', '--replicas=4')
    await first!.kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
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

  it('its member is taken out, and the host comes back under its name, as new', async () => {
    const id = (await second!.etcdctl('member', 'list')).split('\n').find((line) => line.includes('master01'))
    assert.ok(id)
    const planned = await told(second!, 'coracle etcd replace master01 --dry-run')
    assert.match(planned, /master01/)
    assert.equal((await members(second!)).length, 3, 'a plan changes nothing')
    await told(second!, 'coracle etcd member remove master01')
    await second!.kubectl('delete', 'node', 'master01')
    for (const folder of ['/etc/kubernetes', '/var/lib/etcd', '/var/lib/kubelet', '/var/log/pods']) {
      await rm(first!.folder + folder, { recursive: true })
      await mkdir(first!.folder + folder, { recursive: true })
    }
    await first!.boot()
    const upload = await told(second!, 'coracle init phase upload-certs --upload-certs')
    const key = /[0-9a-f]{64}/.exec(upload)![0]
    const join = await told(second!, `coracle token create --print-join-command --certificate-key ${key}`)
    await told(first!, `${join.trim()} ${lenient}`)
    await untilReady(second!, 'master01')
    assert.deepEqual(await members(second!), ['master01', 'master02', 'master03'])
  })

  it('a snapshot is restored on three members', async () => {
    const file = '/var/lib/coracle/etcd.db'
    await second!.kubectl('create', 'configmap', 'before-snapshot')
    await told(second!, `coracle etcd snapshot save ${file}`)
    assert.match(await second!.etcdctl('snapshot', 'status', file, '-w', 'table'), /HASH/)
    await second!.kubectl('create', 'configmap', 'after-snapshot')
    const plan = `${file}.plan.json`
    const planned = await told(second!, `coracle etcd snapshot restore ${file}`)
    assert.match(planned, /master03/)
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
    assert.deepEqual(await members(second!), ['master01', 'master02', 'master03'])
    // Who watched the old history is told to look anew, and goes on working.
    await second!.kubectl('scale', 'deployment/web', '--replicas=6')
    await second!.kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
    await untilReady(second!, 'master01', 'master02', 'master03', 'node01', 'node02')
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

  it('a lost token is made anew, and a host gets another name', async () => {
    const [, node = ''] = commands
    const token = /--token (\S+)/.exec(node)![1]!
    await told(second!, `coracle token delete ${token}`)
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
    await other!.sh('hostname worker-two')
    await told(other!, join)
    await untilReady(second!, 'worker-two')
    await second!.kubectl('delete', 'node', 'node02')
    await second!.kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
  })
})
