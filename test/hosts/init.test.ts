/** A cluster from nothing with `init` and `join`, on hosts with a real etcd: as it should go, and as it goes on bad days. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { initPhases } from '../../src/lifecycle/init/phases.ts'
import { namesOf } from '../../src/lifecycle/phase.ts'
import { type Host, Hosts, hostsMissing, until } from '../support/hosts.ts'

/** What hosts of tests have less of than a control plane should. */
const lenient = ['--ignore-preflight-errors', 'NumCPU,Mem'] as const

/** Starts a command and ends it with a signal that nobody can catch, as soon as it has printed the words. */
async function killAt(host: Host, words: string, args: readonly string[]): Promise<boolean> {
  const started = host.start('coracle', args)
  let ended = false
  void started.exited.then(() => {
    ended = true
  })
  while (!ended) {
    if (started.output.includes(words)) {
      await started.kill('SIGKILL')
      return true
    }
    await sleep(2)
  }
  assert.fail(`it ended before it said "${words}":\n${started.output}`)
}

/** The lines of a command that another is to be typed from: without line breaks. */
function commandsIn(output: string): string[] {
  const joined = output.replaceAll(/ \\\n\t/g, ' ')
  return joined.split('\n').flatMap((line) => (line.trim().startsWith('coracle join') ? [line.trim()] : []))
}

const isReady = async (host: Host, node: string) => {
  const conditions = await host.kubectl(
    ...['get', 'node', node, '-o', 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'],
  )
  return conditions === 'True'
}

const filesOf = async (host: Host) =>
  (await host.sh('find /etc/kubernetes /var/lib/kubelet /var/lib/etcd /run/coracle /var/log/pods -type f')).stdout
    .split('\n')
    .filter((line) => line !== '')

describe('a cluster of hosts', { skip: hostsMissing() ?? false }, () => {
  let hosts: Hosts
  let [first, second, worker]: Host[] = []
  let initArgs: readonly string[]
  let output = ''

  before(async () => {
    hosts = await Hosts.create({ count: 3, names: ['cp1', 'cp2', 'w1'] })
    ;[first, second, worker] = hosts.all
    initArgs = [
      'init',
      ...['--control-plane-endpoint', first!.address, '--pod-network-cidr', '10.244.0.0/16', '--upload-certs'],
      ...lenient,
    ]
  })
  after(() => hosts?.[Symbol.asyncDispose]())

  it('init killed at each of its phases is finished by the same command', async () => {
    const marks = [
      '[preflight] Running',
      '[certs] Using certificateDir',
      '[kubeconfig] Using kubeconfig folder',
      '[etcd] Creating static Pod manifest',
      'static Pod manifest for "kube-apiserver"',
      '[kubelet-start] Writing kubelet environment',
      '[kubelet-start] Starting the kubelet',
      '[wait-control-plane] Waiting',
      '[upload-config] Storing',
      '[upload-certs] Storing',
      '[mark-control-plane] Marking',
      '[bootstrap-token] Configuring bootstrap tokens',
      '[addons] Applied essential addon: CoreDNS',
    ]
    for (const mark of marks) await killAt(first!, mark, initArgs)
    const { code, stdout, stderr } = await first!.run('coracle', initArgs)
    assert.equal(code, 0, stdout + stderr)
    output = stdout
    await until('the node is ready', () => isReady(first!, 'cp1'))
  })

  it('what init made is what kubeadm makes [INI-01 INI-05 INI-07 PHS-04 PHS-05 PHS-06 PHS-07 CFG-39]', async () => {
    const files = await filesOf(first!)
    const pki = ['ca', 'apiserver', 'apiserver-kubelet-client', 'front-proxy-ca', 'front-proxy-client', 'etcd/ca']
    const etcd = ['etcd/server', 'etcd/peer', 'etcd/healthcheck-client', 'apiserver-etcd-client']
    for (const name of [...pki, ...etcd])
      for (const kind of ['crt', 'key']) assert.ok(files.includes(`/etc/kubernetes/pki/${name}.${kind}`), name)
    for (const name of ['admin', 'super-admin', 'kubelet', 'controller-manager', 'scheduler'])
      assert.ok(files.includes(`/etc/kubernetes/${name}.conf`), name)
    assert.deepEqual(
      files.filter((file) => file.startsWith('/etc/') && file.endsWith('.tmp')),
      [],
    )
    assert.match(await first!.read('/etc/kubernetes/admin.conf'), new RegExp(`server: https://${first!.address}:6443`))
    const config = await first!.kubectl('get', 'cm', '-n', 'kube-system', 'kubeadm-config', '-o', 'yaml')
    assert.match(config, /podSubnet: 10\.244\.0\.0\/16/)
    assert.match(config, new RegExp(`controlPlaneEndpoint: ${first!.address}`))
    const endpoints = await first!.kubectl(
      'get',
      'endpoints',
      'kubernetes',
      '-o',
      'jsonpath={.subsets[*].addresses[*].ip}',
    )
    assert.equal(endpoints, first!.address)
    const manifest = await first!.read('/etc/kubernetes/manifests/kube-apiserver.yaml')
    assert.match(manifest, new RegExp(`--advertise-address=${first!.address}`))
  })

  it('its pods run, and the node is marked [INI-15 INI-17 PHS-11 PHS-14]', async () => {
    const pods = await until('seven pods', async () => {
      const names = (await first!.kubectl('get', 'pods', '-n', 'kube-system', '-o', 'name')).split('\n')
      return names.length === 7 && names
    })
    for (const name of ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'])
      assert.ok(pods.includes(`pod/${name}-cp1`), name)
    const node = JSON.parse(await first!.kubectl('get', 'node', 'cp1', '-o', 'json'))
    assert.equal(node.metadata.labels['node-role.kubernetes.io/control-plane'], '')
    assert.ok(
      node.spec.taints.some(
        (taint: { key: string; effect: string }) =>
          taint.key === 'node-role.kubernetes.io/control-plane' && taint.effect === 'NoSchedule',
      ),
    )
  })

  it('a second init at the same time is refused', async () => {
    const started = first!.start('coracle', initArgs)
    while (!started.output.includes('[preflight]')) await sleep(2)
    const { code, stderr } = await first!.run('coracle', initArgs)
    await started.exited
    assert.equal(code, 1)
    assert.match(stderr, /another "coracle init" is running on this host \(process \d+\)/)
  })

  it('a finished cluster is not overwritten by another configuration [PHS-02]', async () => {
    const { code, stderr } = await first!.coracle('init', '--pod-network-cidr', '10.245.0.0/16', ...lenient)
    assert.equal(code, 1)
    assert.match(
      stderr,
      /\[ERROR FileAvailable--etc-kubernetes-manifests-kube-controller-manager\.yaml\]: \/etc\/kubernetes\/manifests\/kube-controller-manager\.yaml already exists/,
    )
    assert.match(stderr, /\[ERROR Port-6443\]: Port 6443 is in use/)
    assert.match(stderr, /\[ERROR DirAvailable--var-lib-etcd\]: \/var\/lib\/etcd is not empty/)
  })

  it('single phases may be run again, and touch only their own [PHS-15 PHS-10 JOI-10 JOI-11]', async () => {
    const before = await first!.sh('cd /etc/kubernetes/pki && sha256sum ca.crt ca.key apiserver-etcd-client.crt')
    await first!.sh('rm /etc/kubernetes/pki/apiserver.crt /etc/kubernetes/pki/apiserver.key')
    const made = await first!.coracle('init', 'phase', 'certs', 'apiserver', '--control-plane-endpoint', first!.address)
    assert.equal(made.code, 0, made.stderr)
    assert.match(made.stdout, /Generating "apiserver" certificate and key/)
    assert.equal(
      (await first!.sh('cd /etc/kubernetes/pki && sha256sum ca.crt ca.key apiserver-etcd-client.crt')).stdout,
      before.stdout,
    )
    const skipped = await first!.coracle('init', 'phase', 'upload-certs')
    assert.equal(skipped.stdout, '[upload-certs] Skipping phase. Please see --upload-certs\n')
    const uploads = [
      await first!.coracle('init', 'phase', 'upload-certs', '--upload-certs'),
      await first!.coracle('init', 'phase', 'upload-certs', '--upload-certs'),
    ]
    const keys = uploads.map(({ stdout }) => /Using certificate key:\n([0-9a-f]{64})\n$/.exec(stdout)?.[1])
    assert.ok(keys[0] && keys[1] && keys[0] !== keys[1])
    output = output.replace(/--certificate-key [0-9a-f]{64}/, `--certificate-key ${keys[1]}`)
  })

  it('joins that must fail say why, and leave the host as it was [JOI-09 JOI-18 JOI-19]', async () => {
    const [, command = ''] = commandsIn(output)
    const hash = /sha256:[0-9a-f]{64}/.exec(command)![0]
    const otherHash = `sha256:${hash[7] === '0' ? '1' : '0'}${hash.slice(8)}`
    const secretless = command.replace(/(--token [a-z0-9]{6}\.)[a-z0-9]{16}/, '$10123456789abcdef')
    const faults: readonly (readonly [line: string, words: RegExp])[] = [
      [secretless, /failed to verify JWS signature of received cluster info object, can't trust this API Server/],
      [command.replace(hash, otherHash), /none of the public keys "sha256:[0-9a-f]{64}" are pinned/],
      [`${command} --control-plane`, /failure loading certificate for CA: couldn't load the certificate file/],
      [`${command} --node-name cp1`, /a Node with name "cp1" and status "Ready" already exists in the cluster/],
      [command.replace(hash, 'sha256:12'), /expected a 32 byte SHA-256 hash, found 1 bytes/],
      [
        command.replace(/--discovery-token-ca-cert-hash \S+/, ''),
        /using token-based discovery without caCertHashes can be unsafe/,
      ],
    ]
    for (const [line, words] of faults) {
      const { code, stderr } = await worker!.sh(line)
      assert.equal(code, 1, line)
      assert.match(stderr, words)
      assert.deepEqual(await filesOf(worker!), [], line)
    }
  })

  it('a worker joins by the command that init prints [JOI-01 JOI-02 JOI-20]', async () => {
    const [, command = ''] = commandsIn(output)
    const { code, stdout, stderr } = await worker!.sh(command)
    assert.equal(code, 0, stdout + stderr)
    assert.ok(stdout.includes('This node has joined the cluster:\n* Certificate signing request was sent to apiserver'))
    await until('the worker is ready', () => isReady(first!, 'w1'))
    assert.ok(!(await filesOf(worker!)).includes('/etc/kubernetes/bootstrap-kubelet.conf'))
    const again = await worker!.sh(command)
    assert.equal(again.code, 0, again.stdout + again.stderr)
  })

  it('a control plane that joins, killed at each of its phases, is finished by the same command [JOI-05 ETM-11]', async () => {
    const [command = ''] = commandsIn(output)
    const args = [...command.split(/\s+/).slice(1), ...lenient]
    const marks = [
      '[preflight] Reading configuration',
      '[download-certs] Saving',
      '[kubeconfig] Generating',
      '[control-plane] Using manifest folder',
      '[check-etcd] Checking',
      '[kubelet-start] Starting the kubelet',
      '[etcd] Announced',
      '[kubelet-check] Waiting',
      '[mark-control-plane] Marking',
      '[control-plane-check] Waiting',
    ]
    for (const mark of marks) await killAt(second!, mark, args)
    const { code, stdout, stderr } = await second!.run('coracle', args)
    assert.equal(code, 0, stdout + stderr)
    assert.ok(stdout.includes('This node has joined the cluster and a new control plane instance was created:'))
    assert.ok(stdout.includes('* A new etcd member was added to the local/stacked etcd cluster.'))
    await until('it is ready', () => isReady(second!, 'cp2'))
    const members = (await first!.etcdctl('member', 'list')).split('\n')
    assert.deepEqual(
      members.map((line) => line.split(', ').slice(1, 3)),
      [
        ['started', 'cp1'],
        ['started', 'cp2'],
      ].sort(
        (one, other) =>
          members.findIndex((line) => line.includes(one[1]!)) - members.findIndex((line) => line.includes(other[1]!)),
      ),
    )
    assert.ok(members.every((line) => line.endsWith('false')))
  })

  it('each API server uses the etcd beside it, and the cluster knows both [TOP-05 TOP-06]', async () => {
    const manifest = await second!.read('/etc/kubernetes/manifests/kube-apiserver.yaml')
    assert.match(manifest, /--etcd-servers=https:\/\/127\.0\.0\.1:2379/)
    assert.match(await second!.read('/etc/kubernetes/scheduler.conf'), new RegExp(`https://${second!.address}:6443`))
    await until('both are endpoints', async () => {
      const ips = await first!.kubectl('get', 'endpoints', 'kubernetes', '-o', 'jsonpath={.subsets[*].addresses[*].ip}')
      return ips.split(' ').sort().join(' ') === [first!.address, second!.address].sort().join(' ')
    })
  })

  it('reset asks, takes the member out, and leaves nothing behind [JOI-24 NCL-02]', async () => {
    const refused = await second!.run('coracle', ['reset'], { input: 'n\n' })
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /aborted reset operation/)
    await second!.sh('ip link add cni0 type bridge && mkdir -p /etc/kubernetes/tmp && touch /etc/kubernetes/tmp/x')
    const planned = await second!.coracle('reset', '--dry-run')
    assert.match(planned.stdout, /Would remove the etcd member on this node from the etcd cluster/)
    assert.match(planned.stdout, /Would delete the link cni0/)
    const { code, stdout, stderr } = await second!.run('coracle', ['reset', '--cleanup-tmp-dir'], { input: 'y\n' })
    assert.equal(code, 0, stdout + stderr)
    assert.deepEqual(await filesOf(second!), [])
    assert.deepEqual(
      second!.processes().filter(({ args }) => args.some((arg) => /^(kubelet|kube-|etcd)/.test(arg))),
      [],
    )
    assert.equal((await second!.sh('ip link show cni0')).code, 1)
    assert.deepEqual(
      (await first!.etcdctl('member', 'list')).split('\n').map((line) => line.split(', ')[2]),
      ['cp1'],
    )
    await first!.kubectl('get', 'nodes')
  })

  it('phases are called as kubeadm calls them [PHS-01]', async () => {
    assert.deepEqual(
      namesOf(initPhases).filter((name) => !name.includes('/')),
      `preflight certs kubeconfig etcd control-plane kubelet-start wait-control-plane upload-config upload-certs
       mark-control-plane bootstrap-token kubelet-finalize addon show-join-command`.split(/\s+/),
    )
  })
})
