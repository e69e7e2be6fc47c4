import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { VirtualHost } from '../../world/virtual-host.ts'
import type { Check, Finding, PreflightHost } from './check.ts'
import { onlyWarning } from './check.ts'
import { clockSkew } from './clock-skew.ts'
import { externalEtcdVersion } from './external-etcd.ts'
import { contentWhereThere, dirAvailable, fileAvailable, fileContent, fileExisting, inPath } from './files.ts'
import { clock, hostname, memory, numCpu, privilegedUser, swap, systemVerification } from './machine.ts'
import { portAvailable } from './ports.ts'
import { httpProxy, httpProxyCidr } from './proxy.ts'
import { runChecks } from './run.ts'
import { containerRuntime } from './runtime.ts'
import { firewalld, kubeletService } from './services.ts'
import { kubeletVersion, kubernetesVersion } from './versions.ts'

const never = async () => false
const yes = async () => true
const kernel = '/proc/sys/kernel/osrelease'

interface Row {
  readonly check: Check
  readonly name: string
  /** What the host is like, besides being fine. */
  readonly host?: (world: VirtualHost) => void | Promise<void>
  readonly env?: Readonly<Record<string, string>>
  /** What is found, with its first letter for its severity; nothing: it is fine. */
  readonly finds?: string
  readonly mend?: string
}

const file = (path: string, text: string) => (world: VirtualHost) => world.disk.write(path, text)
const program =
  (name: string, stdout: string, code = 0) =>
  (world: VirtualHost) =>
    void world.exec.programs.set(name, async () => ({ stdout, code }))
const listening = (port: number) =>
  file(
    '/proc/net/tcp',
    `sl local_address rem_address st\n 0: 0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A\n 1: 0100007F:0050 00000000:0000 01\n`,
  )
const machine = (changes: Partial<VirtualHost['machine']>) => (world: VirtualHost) => {
  world.machine = { ...world.machine, ...changes }
}
const systemd = (words: Readonly<Record<string, string>>) => async (world: VirtualHost) => {
  await world.disk.write('/run/systemd/system/x', '')
  world.exec.programs.set('systemctl', async ([verb = '']) => ({ stdout: words[verb] ?? '', code: 0 }))
}
const version = (text: string) => (world: VirtualHost) =>
  void world.network.serve('http://e1:2379', async () => ({
    status: 200,
    body: `{"etcdserver":"${text}","etcdcluster":"3.6.0"}`,
  }))
const external = externalEtcdVersion({ endpoints: ['http://e1:2379'], caFile: '', certFile: '', keyFile: '' })

const table: readonly Row[] = [
  { check: numCpu, name: 'NumCPU' },
  {
    check: numCpu,
    name: 'NumCPU',
    host: machine({ cpus: 1 }),
    finds: 'E the number of available CPUs 1 is less than the required 2',
  },
  { check: memory, name: 'Mem' },
  {
    check: memory,
    name: 'Mem',
    host: machine({ memoryBytes: 1024 ** 3 }),
    finds: 'E the system RAM (1024 MB) is less than the minimum 1700 MB',
  },
  { check: privilegedUser, name: 'IsPrivilegedUser' },
  {
    check: privilegedUser,
    name: 'IsPrivilegedUser',
    host: machine({ userId: 1000 }),
    finds: 'E user is not running as root',
  },
  { check: swap, name: 'Swap' },
  { check: swap, name: 'Swap', host: file('/proc/swaps', 'Filename Type Size\n') },
  {
    check: swap,
    name: 'Swap',
    host: file('/proc/swaps', 'Filename Type Size\n/dev/sda2 partition 1\n'),
    finds: 'W swap is supported for cgroup v2 only.',
    mend: 'swapoff -a, and comment the line of swap in /etc/fstab',
  },
  { check: clock, name: 'Clock', host: (world) => world.advance(Date.UTC(2026, 0, 1) - world.clock.now()) },
  {
    check: systemVerification,
    name: 'SystemVerification',
    host: file(kernel, '6.1.0\n'),
    finds: 'W cgroups v1 support is in maintenance mode',
  },
  {
    check: systemVerification,
    name: 'SystemVerification',
    host: async (world) => {
      await world.disk.write(kernel, '3.10.0-1160.el7\n')
      await world.disk.write('/sys/fs/cgroup/cgroup.controllers', 'cpuset cpu io memory pids\n')
    },
    finds: 'E unsupported kernel release: 3.10.0-1160.el7',
  },
  {
    check: systemVerification,
    name: 'SystemVerification',
    host: async (world) => {
      await world.disk.write(kernel, '4.19.1\n')
      await world.disk.write('/sys/fs/cgroup/cgroup.controllers', 'cpuset io memory\n')
    },
    finds: 'E missing required cgroups: cpu pids',
  },
  { check: hostname('cp1'), name: 'Hostname', host: file('/etc/hosts', '127.0.0.1 localhost # cp2\n10.0.0.1 x cp1\n') },
  { check: hostname('cp1'), name: 'Hostname', host: program('getent', '10.0.0.1 cp1\n') },
  {
    check: hostname('cp1'),
    name: 'Hostname',
    host: program('getent', '', 2),
    finds: 'W hostname "cp1" could not be reached',
  },
  { check: portAvailable(6443, never), name: 'Port-6443' },
  { check: portAvailable(80, never), name: 'Port-80', host: listening(6443) },
  { check: portAvailable(6443, never), name: 'Port-6443', host: listening(6443), finds: 'E Port 6443 is in use' },
  { check: portAvailable(6443, yes), name: 'Port-6443', host: listening(6443) },
  {
    check: fileAvailable('/etc/kubernetes/manifests/etcd.yaml'),
    name: 'FileAvailable--etc-kubernetes-manifests-etcd.yaml',
  },
  {
    check: fileAvailable('/etc/kubernetes/manifests/etcd.yaml'),
    name: 'FileAvailable--etc-kubernetes-manifests-etcd.yaml',
    host: file('/etc/kubernetes/manifests/etcd.yaml', 'x'),
    finds: 'E /etc/kubernetes/manifests/etcd.yaml already exists',
  },
  { check: fileAvailable('/a', 'x'), name: 'FileAvailable--a', host: file('/a', 'x') },
  { check: dirAvailable('/var/lib/etcd', never), name: 'DirAvailable--var-lib-etcd' },
  {
    check: dirAvailable('/var/lib/etcd', never),
    name: 'DirAvailable--var-lib-etcd',
    host: file('/var/lib/etcd/member/x', ''),
    finds: 'E /var/lib/etcd is not empty',
  },
  {
    check: fileExisting('/etcd/ca.crt', 'ExternalEtcdClientCertificates'),
    name: 'ExternalEtcdClientCertificates',
    finds: "E /etcd/ca.crt doesn't exist",
  },
  {
    check: fileContent('/proc/sys/net/ipv4/ip_forward', '1'),
    name: 'FileContent--proc-sys-net-ipv4-ip_forward',
    host: file('/proc/sys/net/ipv4/ip_forward', '1\n'),
  },
  {
    check: fileContent('/proc/sys/net/ipv4/ip_forward', '1'),
    name: 'FileContent--proc-sys-net-ipv4-ip_forward',
    host: file('/proc/sys/net/ipv4/ip_forward', '0\n'),
    finds: 'E /proc/sys/net/ipv4/ip_forward contents are not set to 1',
  },
  {
    check: fileContent('/proc/sys/net/ipv4/ip_forward', '1'),
    name: 'FileContent--proc-sys-net-ipv4-ip_forward',
    finds: 'E /proc/sys/net/ipv4/ip_forward does not exist',
  },
  {
    check: contentWhereThere('/proc/sys/net/bridge/bridge-nf-call-iptables', '1'),
    name: 'FileContent--proc-sys-net-bridge-bridge-nf-call-iptables',
  },
  { check: onlyWarning(fileContent('/a', '1')), name: 'FileContent--a', finds: 'W /a does not exist' },
  { check: inPath('etcd', true), name: 'FileExisting-etcd', host: program('etcd', '') },
  { check: inPath('etcd', true), name: 'FileExisting-etcd', finds: 'E etcd not found in system path' },
  { check: inPath('cp', false), name: 'FileExisting-cp', finds: 'W cp not found in system path' },
  { check: kubeletService, name: 'Service-Kubelet' },
  {
    check: kubeletService,
    name: 'Service-Kubelet',
    host: systemd({ 'is-enabled': 'disabled\n' }),
    finds: "W kubelet service is not enabled, please run 'systemctl enable kubelet.service'",
  },
  { check: firewalld([6443, 10250]), name: 'Firewalld', host: systemd({ 'is-active': 'inactive\n' }) },
  {
    check: firewalld([6443, 10250]),
    name: 'Firewalld',
    host: systemd({ 'is-active': 'active\n' }),
    finds:
      'W firewalld is active, please ensure ports [6443 10250] are open or your cluster may not function correctly',
  },
  { check: httpProxy('10.0.0.1'), name: 'HTTPProxy' },
  {
    check: httpProxy('10.0.0.1'),
    name: 'HTTPProxy',
    env: { HTTPS_PROXY: 'http://p:1' },
    finds: 'W Connection to "https://10.0.0.1" uses proxy "http://p:1".',
  },
  { check: httpProxy('10.0.0.1'), name: 'HTTPProxy', env: { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'x, 10.0.0.0/8' } },
  {
    check: httpProxy('a.example.com'),
    name: 'HTTPProxy',
    env: { HTTPS_PROXY: 'http://p:1', NO_PROXY: '.example.com' },
  },
  {
    check: httpProxyCidr('10.96.0.0/12'),
    name: 'HTTPProxyCIDR',
    env: { https_proxy: 'http://p:1' },
    finds: 'W connection to "10.96.0.0/12" uses proxy "http://p:1".',
  },
  { check: kubernetesVersion('v1.36.0', 'v1.36.2'), name: 'KubernetesVersion' },
  {
    check: kubernetesVersion('v1.37.0', 'v1.36.2'),
    name: 'KubernetesVersion',
    finds: 'W Kubernetes version is greater than kubeadm version.',
  },
  {
    check: kubernetesVersion('v1.19.0', 'v1.36.2'),
    name: 'KubernetesVersion',
    finds: 'W this version of kubeadm only supports deploying clusters with the control plane version >= 1.35.0.',
  },
  {
    check: kubeletVersion('v1.35.0', 'v1.36.2'),
    name: 'KubeletVersion',
    finds: 'W the kubelet version is higher than the control plane version.',
  },
  { check: containerRuntime('unix:///run/x.sock'), name: 'CRI', host: file('/run/x.sock', '') },
  {
    check: containerRuntime('unix:///run/x.sock'),
    name: 'CRI',
    finds: 'W there is no container runtime at unix:///run/x.sock',
  },
  { check: external, name: 'ExternalEtcdVersion', host: version('3.4.23') },
  {
    check: external,
    name: 'ExternalEtcdVersion',
    host: version('3.3.11'),
    finds: 'E this version of kubeadm only supports external etcd version >= 3.4.0. Current version: 3.3.11',
  },
  { check: external, name: 'ExternalEtcdVersion', finds: 'E http://e1:2379: dial tcp' },
]

async function findingsOf({ check, host, env = {} }: Row): Promise<readonly Finding[]> {
  const world = new VirtualHost(7)
  await host?.(world)
  const about: PreflightHost = { world, env }
  return check.run(about)
}

describe('checks [HST-01 HST-03 HST-04 HST-07 HST-08 HST-17 PHS-02]', () => {
  for (const row of table) {
    test(`${row.name}: ${row.finds ?? 'fine'}`, async () => {
      assert.equal(row.check.name, row.name)
      const [first] = await findingsOf(row)
      if (row.finds === undefined) assert.equal(first, undefined)
      else
        assert.ok(first && `${first.severity[0]!.toUpperCase()} ${first.message}`.startsWith(row.finds), first?.message)
      if (row.mend !== undefined) assert.equal(first?.mend, row.mend)
    })
  }

  for (const [skewMs, severity] of [
    [0, undefined],
    [5 * 60_000, 'warning'],
    [-86_400_000, 'error'],
  ] as const) {
    test(`ClockSkew of ${skewMs} ms: ${severity ?? 'fine'}`, async () => {
      const world = new VirtualHost(7)
      world.network.serve('https://10.0.0.9:6443', async () => ({
        status: 200,
        headers: { date: new Date(world.clock.now() + skewMs).toUTCString() },
        body: 'ok',
      }))
      const [finding] = await clockSkew('10.0.0.9:6443').run({ world, env: {} })
      assert.equal(finding?.severity, severity)
    })
  }
})

describe('what checks found is printed as kubeadm prints it', () => {
  const checks: readonly Check[] = [
    { name: 'One', run: async () => [{ severity: 'warning', message: 'careful' }] },
    { name: 'Two', run: async () => [{ severity: 'error', message: 'wrong', mend: 'do this' }] },
  ]
  const run = async (ignored: readonly string[]) => {
    const lines: string[] = []
    const host = { world: new VirtualHost(7), env: {} }
    const ended = await runChecks(checks, host, {
      ignored: new Set(ignored),
      warn: (line) => void lines.push(line),
    }).then(
      () => 'fine',
      (error: Error) => error.message,
    )
    return { ended, lines }
  }

  test('errors end it', async () => {
    assert.deepEqual(await run([]), {
      ended: 'preflight checks failed',
      lines: [
        '\t[WARNING One]: careful',
        '[preflight] Some fatal errors occurred:',
        '\t[ERROR Two]: wrong',
        '\t\tdo this',
        '[preflight] If you know what you are doing, you can make a check non-fatal with `--ignore-preflight-errors=...`',
      ],
    })
  })

  for (const ignored of ['two', 'all'])
    test(`unless they are to be ignored: ${ignored}`, async () => {
      assert.deepEqual(await run([ignored]), {
        ended: 'fine',
        lines: ['\t[WARNING One]: careful', '\t[WARNING Two]: wrong', '\t\tdo this'],
      })
    })
})
