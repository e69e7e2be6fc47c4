/** `init`, `join`, `reset` and `config` as commands, on a host that is not there: flags, files and what they say. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parse, parseAllDocuments } from 'yaml'
import { runCommand } from '../src/cli/command.ts'
import { commands } from '../src/cli/commands/index.ts'
import { VirtualHost } from '../src/world/virtual-host.ts'

interface Said {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function coracle(
  line: string,
  files: Readonly<Record<string, string>> = {},
): Promise<Said & { readonly world: VirtualHost }> {
  const world = new VirtualHost(7)
  world.exec.programs.set('etcd', async () => ({ stdout: 'etcd Version: 3.5.21\n' }))
  for (const [path, text] of Object.entries(files)) await world.disk.write(path, text)
  const [stdout, stderr]: string[][] = [[], []]
  const context = {
    world,
    env: {},
    print: (text: string) => void stdout!.push(text),
    interrupted: new Promise<void>(() => {}),
    tellParent: () => {},
  }
  const code = await runCommand(commands, line.split(' '), context, (text) => void stderr!.push(text))
  return { code, stdout: stdout!.join('\n'), stderr: stderr!.join('\n'), world }
}

const cluster = (text: string) => `apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\n${text}`

describe('config', () => {
  test('prints what a file begins with', async () => {
    const { stdout } = await coracle('config print init-defaults --component-configs KubeletConfiguration')
    const kinds = parseAllDocuments(stdout).map((document) => (document.toJS() as { kind: string }).kind)
    assert.deepEqual(kinds, ['InitConfiguration', 'ClusterConfiguration', 'KubeletConfiguration'])
    const [first] = parseAllDocuments(stdout)
    assert.deepEqual((first!.toJS() as { bootstrapTokens: object }).bootstrapTokens, [
      {
        groups: ['system:bootstrappers:kubeadm:default-node-token'],
        token: 'abcdef.0123456789abcdef',
        ttl: '24h0m0s',
        usages: ['signing', 'authentication'],
      },
    ])
    const join = parse((await coracle('config print join-defaults')).stdout) as { discovery: object }
    assert.deepEqual(join.discovery, {
      bootstrapToken: {
        apiServerEndpoint: 'kube-apiserver:6443',
        token: 'abcdef.0123456789abcdef',
        unsafeSkipCAVerification: true,
      },
      tlsBootstrapToken: 'abcdef.0123456789abcdef',
    })
  })

  test('brings an old file up to date, into another [CFG-01]', async () => {
    const old = cluster('apiServer: {extraArgs: {a: b}, timeoutForControlPlane: 7m}\nkubernetesVersion: v1.36.1\n')
    const { code, stdout, stderr, world } = await coracle(
      'config migrate --old-config /old.yaml --new-config /new.yaml',
      {
        '/old.yaml': old,
      },
    )
    assert.equal(code, 0, stderr)
    assert.equal(stdout, '')
    assert.match(stderr, /uses a deprecated API spec: "kubeadm\.k8s\.io\/v1beta3" \(kind: "ClusterConfiguration"\)/)
    const [init, migrated] = parseAllDocuments((await world.disk.read('/new.yaml'))!).map((document) => document.toJS())
    assert.equal(init.timeouts.controlPlaneComponentHealthCheck, '7m0s')
    assert.equal(migrated.apiVersion, 'kubeadm.k8s.io/v1beta4')
    assert.deepEqual(migrated.apiServer.extraArgs, [{ name: 'a', value: 'b' }])
  })

  test('says whether a file is right, as migrate does', async () => {
    assert.equal(
      (await coracle('config validate --config /a.yaml', { '/a.yaml': cluster('clusterName: x') })).stdout,
      'ok',
    )
    for (const verb of ['validate --config', 'migrate --old-config']) {
      const { code, stderr } = await coracle(`config ${verb} /a.yaml`, { '/a.yaml': cluster('foo: x') })
      assert.equal(code, 1)
      assert.match(stderr, /document 1 \(line 3\): .*unknown field "foo"/)
    }
    assert.match((await coracle('config validate --config /b.yaml')).stderr, /unable to read config from "\/b\.yaml"/)
  })

  test('names the flags of old that no component takes any more, with what is there instead [CFG-15 CFG-20 CFG-26]', async () => {
    const logs = 'alsologtostderr: "true", logtostderr: "false"'
    const old = cluster(
      `apiServer: {extraArgs: {insecure-port: "0", ${logs}}}
controllerManager: {extraArgs: {pod-eviction-timeout: 5m0s, node-monitor-period: 5s}}
scheduler: {extraArgs: {${logs}, bind-address: 0.0.0.0}}
`,
    )
    for (const line of ['config validate --config /a.yaml', 'init --dry-run --config /a.yaml']) {
      const { code, stderr } = await coracle(line, { '/a.yaml': old })
      assert.equal(code, 1)
      const faults = [
        ...stderr.matchAll(/(\w+)\.extraArgs: Invalid value: "([^"]*)": (\S+) has no such flag: it was removed/g),
      ]
      assert.deepEqual(
        faults.map(([, ...words]) => words.join(' ')),
        [
          'apiServer alsologtostderr kube-apiserver',
          'apiServer insecure-port kube-apiserver',
          'apiServer logtostderr kube-apiserver',
          'controllerManager pod-eviction-timeout kube-controller-manager',
          'scheduler alsologtostderr kube-scheduler',
          'scheduler logtostderr kube-scheduler',
        ],
      )
      assert.match(stderr, /nothing is served without TLS any more; leave it out/)
      assert.match(
        stderr,
        /--default-not-ready-toleration-seconds and --default-unreachable-toleration-seconds of kube-apiserver/,
      )
    }
    const { stderr } = await coracle('config validate --config /b.yaml', {
      '/b.yaml': `apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
discovery: {bootstrapToken: {token: abcdef.0123456789abcdef, apiServerEndpoint: "a:6443", unsafeSkipCAVerification: true}}
nodeRegistration: {kubeletExtraArgs: [{name: node-ip, value: 10.0.0.1}, {name: moon, value: full}]}
`,
    })
    assert.match(
      stderr,
      /nodeRegistration\.kubeletExtraArgs: Invalid value: "moon": kubelet has no such flag: "coracle kubelet --help" lists/,
    )
    assert.doesNotMatch(stderr, /node-ip/)
  })

  test('lists images [INI-02 INI-03]', async () => {
    const { stdout } = await coracle('config images list --image-repository r.example.com --kubernetes-version 1.36.1')
    assert.deepEqual(stdout.split('\n').slice(0, 2), [
      'r.example.com/kube-apiserver:v1.36.1',
      'r.example.com/kube-controller-manager:v1.36.1',
    ])
  })
})

describe('flags', () => {
  test('and a file do not say the same', async () => {
    const files = { '/a.yaml': cluster('clusterName: x') }
    const mixed = await coracle(
      'init --config /a.yaml --pod-network-cidr 10.0.0.0/16 --apiserver-bind-port 1 --dry-run',
      files,
    )
    assert.equal(mixed.code, 1)
    assert.match(mixed.stderr, /can not mix '--config' with arguments \[apiserver-bind-port pod-network-cidr\]/)
    const fine = await coracle(
      'init --config /a.yaml --node-name n --upload-certs --dry-run --ignore-preflight-errors all',
      files,
    )
    assert.equal(fine.code, 0, fine.stderr)
    assert.match(fine.stdout, /Would mark the node n as control-plane/)
  })

  test('become the configuration', async () => {
    const line =
      'init phase control-plane apiserver --apiserver-advertise-address 10.0.0.7 --apiserver-bind-port 7443 --service-cidr 10.97.0.0/16,fd00:97::/112 --service-dns-domain a.b --cert-dir /pki --image-repository r.example.com --kubernetes-version 1.36.0'
    const { code, stderr, world } = await coracle(line)
    assert.equal(code, 0, stderr)
    const text = (await world.disk.read('/etc/kubernetes/manifests/kube-apiserver.yaml'))!
    for (const words of [
      '--advertise-address=10.0.0.7',
      '--secure-port=7443',
      '--service-cluster-ip-range=10.97.0.0/16,fd00:97::/112',
      '--tls-cert-file=/pki/apiserver.crt',
      '--service-account-issuer=https://kubernetes.default.svc.a.b',
      'image: r.example.com/kube-apiserver:v1.36.0',
    ])
      assert.ok(text.includes(words), words)
  })

  test('of certificates may be given several times [CFG-22]', async () => {
    const { code, stdout, stderr } = await coracle(
      'init phase certs all --apiserver-cert-extra-sans a.example.com,10.9.9.9 --apiserver-cert-extra-sans b.example.com --control-plane-endpoint c.example.com:8443',
    )
    assert.equal(code, 0, stderr)
    assert.match(
      stdout,
      /apiserver serving cert is signed for DNS names \[a\.example\.com b\.example\.com c\.example\.com host kubernetes .*\] and IPs \[10\.96\.0\.1 10\.0\.0\.1 10\.9\.9\.9\]/,
    )
  })

  for (const [line, words] of [
    ['init --feature-gates SelfHosting=true', /unrecognized feature-gate key: SelfHosting/],
    ['init --features-gates=x', /Unknown option '--features-gates'/],
    ['init --token abc --dry-run', /bootstrapTokens\.0\.token: Invalid value: "abc": the bootstrap token is invalid/],
    ['init --token-ttl 5 --dry-run', /invalid argument "5" for "--token-ttl" flag: time: missing unit in duration "5"/],
    ['init --apiserver-bind-port x', /invalid argument "x" for "--apiserver-bind-port" flag/],
    ['init --skip-phases foo --dry-run', /invalid phase name: foo/],
    ['init --ignore-preflight-errors all,Swap --dry-run', /don't specify individual checks if 'all' is used/],
    ['init --pod-network-cidr x --dry-run', /networking\.podSubnet: Invalid value: "x": couldn't parse subnet/],
    ['init --rootfs /mnt', /--rootfs/],
    ['join', /discovery: Invalid value: "": bootstrapToken or file must be set/],
    [
      'join a --token abcdef.0123456789abcdef --discovery-token-unsafe-skip-ca-verification',
      /address a: missing port in address/,
    ],
    ['join a:1 --config /nowhere.yaml --token x', /can not mix '--config' with arguments \[token\]/],
    ['reset --config /nowhere.yaml --cert-dir /x', /can not mix '--config' with arguments \[cert-dir\]/],
  ] as const)
    test(`${line} is refused`, async () => {
      const { code, stderr } = await coracle(line)
      assert.notEqual(code, 0)
      assert.match(stderr, words)
    })
})

test('phases that write files do so below another root', async () => {
  const { code, stderr, world } = await coracle('init phase certs ca --rootfs /mnt/host')
  assert.equal(code, 0, stderr)
  assert.ok(await world.disk.stat('/mnt/host/etc/kubernetes/pki/ca.crt'))
  assert.equal(await world.disk.stat('/etc/kubernetes/pki/ca.crt'), undefined)
})

test('phases are listed with what they do [PHS-01]', async () => {
  const { stdout } = await coracle('init phase --help')
  const names = stdout
    .slice(stdout.indexOf('Commands:'))
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(' ')[0])
  assert.equal(names.length, 14)
  assert.equal(names[0], 'preflight')
  assert.equal(names.at(-1), 'show-join-command')
})

test('a dry run checks, says what it would do, and leaves the host as it is', async () => {
  const { code, stdout, stderr, world } = await coracle('init --dry-run --ignore-preflight-errors Clock')
  assert.equal(code, 0, stderr)
  assert.match(stdout, /^\[init\] Using Kubernetes version: v1\.\d+\.\d+\n\[preflight\] Running pre-flight checks\n/)
  assert.match(stdout, /\[kubelet-start\] Would start the kubelet/)
  assert.deepEqual(await world.disk.list('/etc'), [])
  assert.deepEqual(await world.disk.list('/run'), [])
})
