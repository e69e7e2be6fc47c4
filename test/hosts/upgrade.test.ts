/** A cluster of hosts is brought from one version to the next, as `upgrade` does it: host by host, component by component. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Host, Hosts, hostsMissing, type Ran, until } from '../support/hosts.ts'

const lenient = ['--ignore-preflight-errors', 'NumCPU,Mem'] as const
const [oldVersion, newVersion] = ['v1.36.0', 'v1.36.2']
const components = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const
const manifest = (component: string) => `/etc/kubernetes/manifests/${component}.yaml`

/** On every control plane: etcd's manifest changes, too. */
const patches = '/etc/kubernetes/patches'
const etcdPatch = 'metadata: {annotations: {example.com/upgraded: "true"}}\n'

const upgradeConfiguration = 'apiVersion: kubeadm.k8s.io/v1beta4\nkind: UpgradeConfiguration\n'

const web = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: nginx}]}
`

function succeeded({ code, stdout, stderr }: Ran): string {
  assert.equal(code, 0, stdout + stderr)
  return stdout
}

/** Each stands in the text, and behind the one before it. */
function assertInOrder(text: string, lines: readonly string[]): void {
  let from = 0
  for (const line of lines) {
    const at = text.indexOf(line, from)
    assert.ok(at >= 0, `${JSON.stringify(line)} is missing, or comes too early:\n${text}`)
    from = at + line.length
  }
}

describe('an upgrade of three control planes and a worker', { skip: hostsMissing() ?? false }, () => {
  let hosts: Hosts
  let masters: readonly [Host, Host, Host]
  let worker: Host
  let unchanged: { readonly pods: string; readonly etcd: string }
  let began: Readonly<Record<string, Lease>>
  let hashes: readonly string[]

  interface Lease {
    readonly holderIdentity: string
    readonly leaseTransitions: number
  }

  const kubectl = (...args: string[]) => masters[1].kubectl(...args)
  const system = (what: string, path: string) =>
    kubectl('get', ...what.split(' '), '-n', 'kube-system', '-o', `jsonpath=${path}`)
  const configuredVersion = async () =>
    /kubernetesVersion: (\S+)/.exec(await system('cm kubeadm-config', '{.data.ClusterConfiguration}'))?.[1]
  const lease = async (name: string): Promise<Lease> => JSON.parse(await system(`lease ${name}`, '{.spec}'))
  const image = (component: string, host: Host) =>
    system(`pod ${component}-${host.name}`, '{.spec.containers[0].image}')
  const hash = (component: string, host: Host) =>
    system(`pod ${component}-${host.name}`, '{.metadata.annotations.kubernetes\\.io/config\\.hash}')
  const hashesOf = async (host: Host) => Promise.all(['etcd', ...components].map((component) => hash(component, host)))
  /** Digests of all that ends and is no authority, and whose end the kubelet does not see to. */
  const certificatesOf = async (host: Host) => {
    const names = 'apiserver* front-proxy-client etcd/server etcd/peer etcd/healthcheck-client'
    const files = names.split(' ').map((name) => `pki/${name}.crt`)
    const listed = await host.sh(
      `cd /etc/kubernetes && sha256sum ${files.join(' ')} admin.conf controller-manager.conf scheduler.conf`,
    )
    const lines = succeeded(listed).trim().split('\n')
    assert.equal(lines.length, 10, listed.stdout)
    return lines
  }
  const webPods = async () =>
    (
      await kubectl(
        'get',
        'pods',
        '-l',
        'app=web',
        '-o',
        'jsonpath={range .items[*]}{.metadata.uid} {.status.containerStatuses[0].restartCount}{"\\n"}{end}',
      )
    )
      .split('\n')
      .sort()
      .join('\n')
  const members = async () =>
    (await masters[1].etcdctl('member', 'list'))
      .split('\n')
      .map((line) => line.split(', ').slice(0, 4).join(' '))
      .sort()
      .join('\n')

  before(async () => {
    hosts = await Hosts.create({ count: 4, names: ['master01', 'master02', 'master03', 'node01'] })
    masters = hosts.all.slice(0, 3) as unknown as [Host, Host, Host]
    worker = hosts.all[3]!
    worker.start('coracle', [
      'lb',
      '--listen',
      ':6443',
      ...masters.flatMap(({ address }) => ['--backend', `${address}:6443`]),
    ])
    const [first, ...others] = masters
    const init = [
      '--control-plane-endpoint',
      `${worker.address}:6443`,
      '--upload-certs',
      '--pod-network-cidr',
      '10.244.0.0/16',
    ]
    const printed = succeeded(await first.coracle('init', '--kubernetes-version', oldVersion, ...init, ...lenient))
    const commands = printed
      .replaceAll(/ \\\n\t/g, ' ')
      .split('\n')
      .filter((line) => line.trim().startsWith('coracle join'))
    const [asMaster, asWorker] = commands.map((line) => line.trim().split(' ').slice(1))
    for (const host of others) succeeded(await host.coracle(...asMaster!, ...lenient))
    succeeded(await worker.coracle(...asWorker!, ...lenient))
    await first.write('/etc/kubernetes/web.yaml', web)
    await first.kubectl('create', '-f', '/etc/kubernetes/web.yaml')
    await first.kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
    for (const host of masters) await host.write(`${patches}/etcd+merge.yaml`, etcdPatch)
    await until('all static pods are shown', async () =>
      (await Promise.all(masters.map(hashesOf))).flat().every(Boolean),
    )
    unchanged = { pods: await webPods(), etcd: await members() }
    began = { scheduler: await lease('kube-scheduler'), controllers: await lease('kube-controller-manager') }
    hashes = (await Promise.all(masters.map(hashesOf))).flat()
  })
  after(() => hosts?.[Symbol.asyncDispose]())

  it('is planned first: who has what, what it can become, and how [UPG-07 UPG-09 UPG-10 UPG-13 UPG-51]', async () => {
    const { code, stdout, stderr } = await masters[0].coracle('upgrade', 'plan')
    assert.equal(code, 0, stdout + stderr)
    assert.match(stderr, /falling back to the local client version: v1\.36\.2/)
    assertInOrder(stdout, [
      '[preflight] Running pre-flight checks.\n[upgrade/config] Reading configuration from the "kubeadm-config" ConfigMap',
      '[upgrade] Running cluster health checks\n[upgrade] Fetching available versions to upgrade to\n',
      '[upgrade/versions] Cluster version: 1.36.0\n[upgrade/versions] kubeadm version: v1.36.2\n',
      '[upgrade/versions] Target version: v1.36.2\n[upgrade/versions] Latest version in the v1.36 series: v1.36.2\n\n',
      "Components that must be upgraded manually after you have upgraded the control plane with 'coracle upgrade apply':\n",
      '\nUpgrade to the latest version in the v1.36 series:\n\n',
      'COMPONENT                 NODE       CURRENT   TARGET\n',
      ...components.flatMap((name) => masters.map((host) => `${name.padEnd(26)}${host.name}   v1.36.0   v1.36.2\n`)),
      'kube-proxy                           1.36.0    v1.36.2\n',
      'CoreDNS                              v1.13.1   v1.13.1\n',
      ...masters.map((host) => `${'etcd'.padEnd(26)}${host.name}   3.6.6-0   3.6.6-0\n`),
      '\nYou can now apply the upgrade by executing the following command:\n\n\tcoracle upgrade apply v1.36.2\n\n____',
      'The table below shows the current state of component configs as understood by this version of kubeadm.\n',
      'API GROUP                 CURRENT VERSION   PREFERRED VERSION   MANUAL UPGRADE REQUIRED\n',
      'kubeproxy.config.k8s.io   v1alpha1          v1alpha1            no\n',
      'kubelet.config.k8s.io     v1beta1           v1beta1             no\n____',
    ])
    assert.equal(succeeded(await masters[1].coracle('upgrade', 'plan')), stdout)
    const plan = JSON.parse(succeeded(await masters[0].coracle('upgrade', 'plan', newVersion, '-o', 'json')))
    assert.equal(plan.kind, 'UpgradePlan')
    assert.equal(plan.availableUpgrades[0].components.length, 15)
  })

  it('asks before it begins, and refuses what cannot be [UPG-02 UPG-15]', async () => {
    const [first] = masters
    const refused = await first.run('coracle', ['upgrade', 'apply', newVersion], { input: 'n\n' })
    assert.equal(refused.code, 1)
    assert.match(refused.stdout, /You have chosen to upgrade the cluster version to "v1\.36\.2"/)
    assert.match(refused.stdout, /\[upgrade\] Are you sure you want to proceed\? \[y\/N\]: $/)
    assert.match(refused.stderr, /won't proceed; the user didn't answer/)
    const tooHigh = await first.coracle('upgrade', 'apply', 'v1.38.0', '--yes')
    assert.equal(tooHigh.code, 1)
    assert.match(tooHigh.stderr, /"v1\.38\.0" is too high; kubeadm can upgrade only 1 minor version at a time/)
    const dry = succeeded(await first.coracle('upgrade', 'apply', newVersion, '--dry-run'))
    assertInOrder(dry, [
      '[dryrun] Would upgrade your static Pod-hosted control plane to version "v1.36.2"',
      '[dryrun] Current and new manifests of etcd are equal',
      `[dryrun] Would write ${manifest('kube-apiserver')}`,
      '[upgrade/successful] Finished dryrunning successfully!',
    ])
    assert.deepEqual(await hashesOf(first), hashes.slice(0, 4))
  })

  it('that fails at one component brings that one and those before it back [UPG-53]', async () => {
    const [first] = masters
    const manifests = () => Promise.all(components.map((component) => first.read(manifest(component))))
    const before = await manifests()
    const flag = '[{"op": "add", "path": "/spec/containers/0/command/-", "value": "--no-such-flag=1"}]'
    await first.write('/etc/kubernetes/bad/kube-scheduler+json.json', flag)
    await first.write(
      '/etc/kubernetes/upgrade.yaml',
      `${upgradeConfiguration}apply: {kubernetesVersion: ${newVersion}, etcdUpgrade: false, patches: {directory: /etc/kubernetes/bad}}
timeouts: {upgradeManifests: 25s}
`,
    )
    const { code, stdout, stderr } = await first.coracle(
      'upgrade',
      'apply',
      '--yes',
      '--config',
      '/etc/kubernetes/upgrade.yaml',
    )
    assert.equal(code, 1, stdout + stderr)
    assert.match(stdout, /Component "kube-controller-manager" upgraded successfully!/)
    assert.match(
      stderr,
      /couldn't upgrade control plane\. kubeadm has tried to recover everything into the earlier state\. Errors faced: component kube-scheduler on Node master01 is not ready/,
    )
    assert.deepEqual(await manifests(), before)
    assert.equal(await configuredVersion(), oldVersion)
    for (const component of components)
      await until(`the old ${component}`, async () => (await image(component, first)).endsWith(oldVersion))
    await until(
      'the scheduler is well',
      async () => (await first.sh('curl -skf https://127.0.0.1:10259/healthz')).code === 0,
    )
  })

  it('that is killed in the middle is finished by the same command [UPG-16 UPG-19 UPG-37 UPG-52]', async () => {
    const [first] = masters
    const settings = `apply: {kubernetesVersion: ${newVersion}, patches: {directory: ${patches}}}\n`
    await first.write('/etc/kubernetes/upgrade.yaml', `${upgradeConfiguration}${settings}`)
    const args = ['upgrade', 'apply', '--config', '/etc/kubernetes/upgrade.yaml']
    for (const words of [
      'Moving new manifest to "/etc/kubernetes/manifests/etcd.yaml"',
      'manifests/kube-controller-manager.yaml"',
    ]) {
      const started = first.start('coracle', [...args, '--yes'])
      await until(words, async () => started.output.includes(words), 60_000)
      await started.kill('SIGKILL')
    }
    const printed = succeeded(await first.run('coracle', args, { input: 'y\n' }))
    assertInOrder(printed, [
      '[upgrade/preflight] Running preflight checks',
      '[upgrade/control-plane] Upgrading your static Pod-hosted control plane to version "v1.36.2" (timeout: 5m0s)...',
      '[upgrade/staticpods] Current and new manifests of etcd are equal, skipping upgrade',
      '[upgrade/staticpods] Current and new manifests of kube-apiserver are equal, skipping upgrade',
      '[upgrade/staticpods] Preparing for "kube-scheduler" upgrade',
      '[upgrade/staticpods] Renewing scheduler.conf certificate',
      '[upgrade/staticpods] Moving new manifest to "/etc/kubernetes/manifests/kube-scheduler.yaml" and backing up old manifest to "/etc/kubernetes/tmp/kubeadm-backup-manifests-',
      '[upgrade/staticpods] Component "kube-scheduler" upgraded successfully!',
      '[upload-config] Storing the configuration used in ConfigMap "kubeadm-config"',
      '[upgrade/kubelet-config] The kubelet configuration for this node was successfully upgraded!',
      '[upgrade/bootstrap-token] Configuring bootstrap token and cluster-info RBAC rules',
      '[upgrade/addon] Skipping upgrade of addons because control plane instances [master02 master03] have not been upgraded',
      '\n[upgrade] SUCCESS! A control plane node of your cluster was upgraded to "v1.36.2".\n',
      '[upgrade] Now please proceed with upgrading the rest of the nodes by following the right order.',
    ])
    assert.equal(await configuredVersion(), newVersion)
    for (const component of components) assert.match(await image(component, first), /:v1\.36\.2$/)
    assert.match(await image('kube-apiserver', masters[1]), /:v1\.36\.0$/)
  })

  it('goes on with the other control planes, and then the workers [UPG-01 UPG-20 UPG-21 UPG-22 CRT-10]', async () => {
    const [, second, third] = masters
    for (const host of [second, third]) {
      const renews = host === second
      const certificates = await certificatesOf(host)
      const args = ['--patches', patches, ...(renews ? [] : ['--certificate-renewal=false'])]
      const printed = succeeded(await host.coracle('upgrade', 'node', ...args))
      for (const [at, digest] of (await certificatesOf(host)).entries())
        assert.equal(digest !== certificates[at], renews, digest)
      assertInOrder(printed, [
        '[upgrade] Reading configuration from the "kubeadm-config" ConfigMap',
        ...['etcd', ...components].map(
          (component) => `[upgrade/staticpods] Component "${component}" upgraded successfully!`,
        ),
        '[upgrade/kubelet-config] The kubelet configuration for this node was successfully upgraded!',
        host === third ? '[addons] Applied essential addon: kube-proxy' : 'instances [master03] have not been upgraded',
      ])
      for (const component of components) assert.match(await image(component, host), /:v1\.36\.2$/)
    }
    assert.match(await system('ds kube-proxy', '{.spec.template.spec.containers[0].image}'), /:v1\.36\.2$/)
    await worker.append('/var/lib/kubelet/config.yaml', 'maxPods: 99\n')
    assertInOrder(succeeded(await worker.coracle('upgrade', 'node')), [
      '[upgrade] Reading configuration from the "kubeadm-config" ConfigMap',
      '[upgrade/preflight] Running pre-flight checks',
      '[upgrade/preflight] Skipping prepull. Not a control plane node.',
      '[upgrade/control-plane] Skipping phase. Not a control plane node.',
      '[upgrade] Backing up kubelet config file to /etc/kubernetes/tmp/kubeadm-kubelet-config-',
      '[kubelet-start] Writing kubelet configuration to file "/var/lib/kubelet/config.yaml"',
      '[upgrade/kubelet-config] The kubelet configuration for this node was successfully upgraded!',
      '[upgrade/addon] Skipping the addon/coredns phase. Not a control plane node.',
      'Now you should go ahead and upgrade the kubelet package using your package manager',
    ])
    assert.doesNotMatch(await worker.read('/var/lib/kubelet/config.yaml'), /maxPods: 99/)
  })

  it('has made every static pod anew [UPG-34]', async () => {
    const now = (await Promise.all(masters.map(hashesOf))).flat()
    assert.equal(now.length, 12)
    for (const [at, hash] of now.entries()) assert.notEqual(hash, hashes[at])
  })

  it('has left the members of etcd, and what people run, as they were [UPG-31 UPG-50]', async () => {
    assert.equal(await members(), unchanged.etcd)
    const status = await masters[1].etcdctl('endpoint', 'status', '--cluster', '-w', 'json')
    const statuses = JSON.parse(status) as { readonly Status: { readonly leader: number } }[]
    assert.equal(new Set(statuses.map(({ Status }) => Status.leader)).size, 1)
    assert.equal(await webPods(), unchanged.pods)
  })

  it('has moved the leases of the components that work one at a time [CMP-10]', async () => {
    for (const [name, was] of [
      ['kube-scheduler', began.scheduler!],
      ['kube-controller-manager', began.controllers!],
    ] as const) {
      const { holderIdentity, leaseTransitions } = await until(`a holder of ${name}`, async () => {
        const found = await lease(name)
        return found.holderIdentity !== '' && found
      })
      assert.ok(leaseTransitions > was.leaseTransitions, `${name}: ${leaseTransitions}`)
      assert.match(holderIdentity, /^master0[123]_[0-9a-f-]{36}$/)
      assert.notEqual(holderIdentity.split('_')[1], was.holderIdentity.split('_')[1])
    }
  })

  it('has kept what it replaced [UPG-38]', async () => {
    for (const host of masters.slice(1)) {
      const { stdout } = await host.sh('cd /etc/kubernetes/tmp && find . | sort')
      for (const component of ['etcd', ...components])
        assert.match(stdout, new RegExp(`^\\./kubeadm-backup-manifests-[\\d-]{19}/${component}\\.yaml$`, 'm'))
      assert.match(stdout, /^\.\/kubeadm-backup-etcd-[\d-]{19}\/member\/snap\/db$/m)
      assert.doesNotMatch(stdout, /kubeadm-upgraded-manifests/)
      const old = await host.sh('cat /etc/kubernetes/tmp/kubeadm-backup-manifests-*/kube-scheduler.yaml')
      assert.match(old.stdout, /image: \S+:v1\.36\.0\n/)
    }
  })
})

const ofHand = ({ address }: Host) => `
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: ${address}}
nodeRegistration: {taints: []}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.35.0
networking: {podSubnet: 10.244.0.0/16}
scheduler: {extraArgs: [{name: secure-port, value: "0"}]}
controllerManager: {extraArgs: [{name: secure-port, value: "0"}]}
`

describe('an upgrade of one host', { skip: hostsMissing() ?? false }, () => {
  let hosts: Hosts
  let host: Host
  const quiet = ['kube-controller-manager', 'kube-scheduler']

  /** Whether the parts that may be silent all say of themselves that they are well, or none does. */
  const untilAll = (status: 'Healthy' | 'Unhealthy') =>
    until(
      `all are ${status}`,
      async () => {
        const rows = (await host.kubectl('get', 'cs', '--no-headers')).split('\n').map((row) => row.split(/ +/))
        return quiet.every((name) => rows.some((row) => `kube-${row[0]}` === name && row[1] === status))
      },
      40_000,
    )
  const commentOut = async () => {
    for (const component of quiet) {
      const text = await host.read(manifest(component))
      assert.match(text, /^ {4}- --secure-port=0$/m)
      await host.write(manifest(component), text.replace('    - --secure-port', '    # - --secure-port'), 0o600)
    }
  }

  before(async () => {
    hosts = await Hosts.create({ count: 1, names: ['master01'] })
    host = hosts.all[0]!
    await host.write('/etc/kubernetes/kubeadm.yaml', ofHand(host))
    // It waits for what these two say of themselves, which is nothing.
    const args = ['--config', '/etc/kubernetes/kubeadm.yaml', '--skip-phases', 'wait-control-plane']
    succeeded(await host.coracle('init', ...args, ...lenient))
  })
  after(() => hosts?.[Symbol.asyncDispose]())

  it('brings what the configuration says, in place of what was changed by hand [CMP-04]', async () => {
    await untilAll('Unhealthy')
    await commentOut()
    await untilAll('Healthy')
    assertInOrder(succeeded(await host.coracle('upgrade', 'apply', newVersion, '--yes')), [
      '[upgrade/versions] Cluster version: v1.35.0',
      '[addons] Applied essential addon: CoreDNS',
      '[upgrade] SUCCESS!',
    ])
    await untilAll('Unhealthy')
    await commentOut()
    await untilAll('Healthy')
  })

  it('leaves etcd as it was when that does not take what is new, with all that is in it', async () => {
    const before = await host.read(manifest('etcd'))
    const flag = '[{"op": "add", "path": "/spec/containers/0/command/-", "value": "--no-such-flag=1"}]'
    await host.write('/etc/kubernetes/bad/etcd+json.json', flag)
    const settings = `apply: {kubernetesVersion: ${newVersion}, patches: {directory: /etc/kubernetes/bad}}\n`
    await host.write(
      '/etc/kubernetes/upgrade.yaml',
      `${upgradeConfiguration}${settings}timeouts: {upgradeManifests: 8s}\n`,
    )
    const args = ['upgrade', 'apply', '--yes', '--config', '/etc/kubernetes/upgrade.yaml']
    const { code, stdout, stderr } = await host.coracle(...args)
    assert.equal(code, 1, stdout + stderr)
    assertInOrder(stdout, [
      '[upgrade/etcd] Failed to upgrade etcd: ',
      '[upgrade/etcd] Waiting for previous etcd to become available',
      '[upgrade/etcd] Etcd was rolled back and is now available',
    ])
    assert.match(
      stderr,
      /fatal error when trying to upgrade the etcd cluster, rolled the state back to pre-upgrade state/,
    )
    assert.equal(await host.read(manifest('etcd')), before)
    const config = () => host.kubectl('get', 'cm', '-n', 'kube-system', 'kubeadm-config', '-o', 'yaml')
    assert.match(await until('the API is back', config), /kubernetesVersion: v1\.36\.2/)
  })
})
