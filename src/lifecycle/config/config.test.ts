import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { parse, parseAllDocuments } from 'yaml'
import { VirtualHost } from '../../world/virtual-host.ts'
import { parseFeatureGates } from './feature-gates.ts'
import { controlPlaneImages } from './images.ts'
import { initSettings, joinSettings, readDocuments, resetSettings, upgradeSettings } from './read.ts'
import { configurationYaml } from './write.ts'

const program = 'v1.36.2'

function tools() {
  const warnings: string[] = []
  return { world: new VirtualHost(7), version: program, warnings, warn: (line: string) => void warnings.push(line) }
}

async function init(text: string) {
  const with_ = tools()
  const settings = await initSettings(readDocuments(text, with_.warn), with_)
  return { ...settings, warnings: with_.warnings }
}

const documents = (version: string, init: string, cluster: string) => `
apiVersion: kubeadm.k8s.io/${version}
kind: InitConfiguration
${init}
---
apiVersion: kubeadm.k8s.io/${version}
kind: ClusterConfiguration
${cluster}
`

describe('the configuration of the notes', () => {
  const notes = `
apiVersion: kubeadm.k8s.io/v1beta2
kind: InitConfiguration
localAPIEndpoint:
  advertiseAddress: 10.211.55.48
  bindPort: 6443
nodeRegistration:
  name: k8s01
  taints:
  - effect: NoSchedule
    key: node-role.kubernetes.io/master
  criSocket: /var/run/dockershim.sock
---
apiVersion: kubeadm.k8s.io/v1beta2
kind: ClusterConfiguration
clusterName: cluster.local
etcd:
  local:
    imageRepository: "k8s.gcr.io"
    imageTag: "3.4.3-0"
    extraArgs:
      metrics: basic
      election-timeout: "5000"
    serverCertSANs: [etcd.kube-system.svc.cluster.local, etcd]
    peerCertSANs: [etcd]
networking:
  dnsDomain: cluster.local
  serviceSubnet: 10.233.0.0/18
  podSubnet: 10.222.0.0/18
kubernetesVersion: v1.18.5
controlPlaneEndpoint: 10.211.55.48 # here may be a load balancer
certificatesDir: /etc/kubernetes/pki
imageRepository: k8s.gcr.io
apiServer:
  extraArgs:
    authorization-mode: Node,RBAC
    anonymous-auth: "True"
  extraVolumes:
  - name: basic-time
    hostPath: /etc/localtime
    mountPath: /etc/localtime
    pathType: File
  certSANs: [kubernetes, K8S01, "::1", 10.211.55.49]
  timeoutForControlPlane: 5m0s
controllerManager:
  extraArgs:
    node-monitor-period: 5s
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clusterCIDR: 10.222.0.0/18
mode: iptables
enableProfiling: False
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
clusterDNS:
- 10.233.0.10
`

  test('is read as what it is today, and said to be old [CFG-01 CFG-02 CFG-03 CFG-05 CFG-23]', async () => {
    const { init: own, cluster, kubelet, kubeProxy, warnings } = await init(notes)
    assert.deepEqual(own.localAPIEndpoint, { advertiseAddress: '10.211.55.48', bindPort: 6443 })
    assert.equal(own.nodeRegistration.name, 'k8s01')
    assert.deepEqual(own.nodeRegistration.taints, [{ key: 'node-role.kubernetes.io/master', effect: 'NoSchedule' }])
    assert.equal(own.nodeRegistration.criSocket, 'unix:///var/run/dockershim.sock')
    assert.equal(own.timeouts.controlPlaneComponentHealthCheck, '5m0s')
    assert.deepEqual(cluster.etcd.local?.extraArgs, [
      { name: 'election-timeout', value: '5000' },
      { name: 'metrics', value: 'basic' },
    ])
    assert.deepEqual(cluster.apiServer.certSANs, ['kubernetes', 'k8s01', '::1', '10.211.55.49'])
    assert.deepEqual(cluster.controllerManager.extraArgs, [{ name: 'node-monitor-period', value: '5s' }])
    assert.equal(cluster.kubernetesVersion, 'v1.18.5')
    assert.deepEqual(kubelet['clusterDNS'], ['10.233.0.10'])
    assert.equal(kubelet['clusterDomain'], 'cluster.local')
    assert.equal(kubeProxy['clusterCIDR'], '10.222.0.0/18')
    const deprecated = warnings.filter((line) => line.includes('uses a deprecated API spec: "kubeadm.k8s.io/v1beta2"'))
    assert.equal(deprecated.length, 2)
    assert.ok(warnings.some((line) => line.startsWith('Usage of CRI endpoints without URL scheme is deprecated')))
  })

  test('survives being written in the newest version', async () => {
    const first = await init(notes)
    const text = `${configurationYaml(first.init)}---\n${configurationYaml(first.cluster)}`
    assert.deepEqual(
      parseAllDocuments(text).map((document) => (document.toJS() as { apiVersion: string }).apiVersion),
      ['kubeadm.k8s.io/v1beta4', 'kubeadm.k8s.io/v1beta4'],
    )
    const second = await init(text)
    assert.deepEqual(second.init, first.init)
    assert.deepEqual(second.cluster, first.cluster)
    assert.deepEqual(second.warnings, [])
  })

  test('is the one in the notes, field for field', () => {
    const seed = new URL('../../../../shared/seeds/004_7aabd2bd34024526.txt', import.meta.url)
    let text: string
    try {
      text = readFileSync(seed, 'utf8')
    } catch {
      return
    }
    const whole = /```yaml\n(apiVersion: kubeadm\.k8s\.io\/v1beta2\nkind: InitConfiguration[\s\S]*?)```/.exec(text)![1]!
    assert.throws(() => readDocuments(whole, () => {}), /document 3 \(line \d+\).*unknown field "udpIdleTimeout"/)
    const read = readDocuments(whole.replace(/^udpIdleTimeout.*$/m, ''), () => {})
    assert.deepEqual(read.kinds, [
      'InitConfiguration',
      'ClusterConfiguration',
      'KubeProxyConfiguration',
      'KubeletConfiguration',
    ])
    assert.equal(read.cluster.apiServer.extraArgs?.length, 15)
    assert.equal(read.cluster.apiServer.certSANs?.length, 16)
  })
})

describe('defaults', () => {
  test('are what kubeadm has [CFG-04 CFG-10 CFG-13 INI-03]', async () => {
    const { init: own, cluster } = await init('')
    assert.equal(own.nodeRegistration.name, 'host')
    assert.deepEqual(own.nodeRegistration.taints, [
      { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' },
    ])
    assert.deepEqual(own.localAPIEndpoint, { advertiseAddress: '10.0.0.1', bindPort: 6443 })
    assert.match(own.bootstrapTokens![0]!.token, /^[a-z0-9]{6}\.[a-z0-9]{16}$/)
    assert.equal(own.bootstrapTokens![0]!.ttl, '24h0m0s')
    assert.deepEqual(cluster.networking, { serviceSubnet: '10.96.0.0/12', podSubnet: '', dnsDomain: 'cluster.local' })
    assert.equal(cluster.certificatesDir, '/etc/kubernetes/pki')
    assert.equal(cluster.clusterName, 'kubernetes')
    assert.equal(cluster.kubernetesVersion, program)
  })

  for (const [taints, expected] of [
    ['', 1],
    ['  taints: []', 0],
    ['  taints: [{key: a, effect: NoExecute}]', 1],
  ] as const) {
    test(`taints ${taints.trim() || 'absent'}: ${expected}`, async () => {
      const { init: own } = await init(documents('v1beta4', `nodeRegistration:\n  name: a\n${taints}`, ''))
      assert.equal(own.nodeRegistration.taints?.length, expected)
    })
  }

  test('the address is that of the interface that leads outside', async () => {
    const { world, ...rest } = tools()
    world.machine = {
      ...world.machine,
      addresses: [
        { interface: 'docker0', address: '172.17.0.1', family: 4, internal: false },
        { interface: 'eth1', address: '192.168.7.9', family: 4, internal: false },
      ],
    }
    await world.disk.write('/proc/net/route', 'Iface\tDestination\tGateway\neth1\t00000000\t0107A8C0\n')
    const { init: own } = await initSettings(readDocuments('', rest.warn), { world, ...rest })
    assert.equal(own.localAPIEndpoint.advertiseAddress, '192.168.7.9')
  })

  test('a host without an address is told to name one', async () => {
    const { world, ...rest } = tools()
    world.machine = { ...world.machine, addresses: [] }
    await assert.rejects(
      initSettings(readDocuments('', rest.warn), { world, ...rest }),
      /cannot use "0\.0\.0\.0" as the bind address for the API Server/,
    )
  })

  test('a label of a version is the version of this program [INI-04 HST-26]', async () => {
    const { cluster, warnings } = await init(documents('v1beta4', '', 'kubernetesVersion: stable-1.18'))
    assert.equal(cluster.kubernetesVersion, program)
    assert.ok(warnings.some((line) => line.endsWith(`falling back to the local client version: ${program}`)))
  })

  test('images follow repository and version [INI-02 CFG-07]', async () => {
    const { cluster } = await init(
      documents(
        'v1beta4',
        '',
        'imageRepository: r.example.com/k\nkubernetesVersion: 1.35.1\netcd: {local: {imageTag: 3.4.3-0}}',
      ),
    )
    assert.deepEqual(controlPlaneImages(cluster), [
      'r.example.com/k/kube-apiserver:v1.35.1',
      'r.example.com/k/kube-controller-manager:v1.35.1',
      'r.example.com/k/kube-scheduler:v1.35.1',
      'r.example.com/k/kube-proxy:v1.35.1',
      'r.example.com/k/coredns:v1.13.1',
      'r.example.com/k/pause:3.10.1',
      'r.example.com/k/etcd:3.4.3-0',
    ])
  })
})

describe('what is refused', () => {
  const cluster = (text: string) => documents('v1beta4', '', text)
  const own = (text: string) => documents('v1beta4', text, '')
  const table: readonly (readonly [what: string, text: string, words: RegExp])[] = [
    [
      'a field that is not known',
      cluster('foo: 1'),
      /document 2 \(line 8\): error unmarshaling configuration schema\.GroupVersionKind\{Group:"kubeadm\.k8s\.io", Version:"v1beta4", Kind:"ClusterConfiguration"\}: strict decoding error: unknown field "foo"/,
    ],
    [
      'a field of a field',
      cluster('networking:\n  podsubnet: 1'),
      /document 2 \(line 9\).*unknown field "networking\.podsubnet"/,
    ],
    [
      'the map of old in the new version',
      cluster('apiServer:\n  extraArgs: {a: b}'),
      /json: cannot unmarshal object into Go struct field APIServer\.apiServer\.extraArgs of type \[\]v1beta4\.Arg/,
    ],
    [
      'the list of new in the old version',
      documents('v1beta3', '', 'apiServer:\n  extraArgs: [{name: a, value: b}]'),
      /cannot unmarshal array into Go struct field/,
    ],
    [
      'a kind twice',
      `${cluster('')}---\n${cluster('')}`,
      /invalid configuration: kind "InitConfiguration" is specified twice in YAML file/,
    ],
    [
      'a document without a kind',
      'apiVersion: kubeadm.k8s.io/v1beta4\n',
      /kind and apiVersion is mandatory information that must be specified/,
    ],
    [
      'a version that nobody reads',
      'apiVersion: kubeadm.k8s.io/v1beta1\nkind: ClusterConfiguration\n',
      /uses an old API spec: "kubeadm\.k8s\.io\/v1beta1"\. Please use kubeadm v1\.15 instead/,
    ],
    ['broken YAML', 'a: [\nb: }', /document 1 \(begins on line 1\): yaml: line/],
    [
      'a field of the kubelet',
      'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nfoo: 1\n',
      /unknown field "foo"/,
    ],
    [
      'a field of the proxy of services that was removed [CFG-35]',
      'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nudpIdleTimeout: 250ms\n',
      /strict decoding error: unknown field "udpIdleTimeout"/,
    ],
    [
      'a subnet that is none',
      cluster('networking: {podSubnet: 10.0.0.0}'),
      /^networking\.podSubnet: Invalid value: "10\.0\.0\.0": couldn't parse subnet$/,
    ],
    [
      'three subnets',
      cluster('networking: {serviceSubnet: "10.0.0.0/16,fd00::/112,10.1.0.0/16"}'),
      /expected one \(IPv4 or IPv6\) CIDR or two CIDRs from each family for dual-stack networking/,
    ],
    ['two of one family', cluster('networking: {podSubnet: "10.0.0.0/16,10.1.0.0/16"}'), /two CIDRs from each family/],
    [
      'a subnet that is too small',
      cluster('networking: {serviceSubnet: 10.0.0.0/29}'),
      /subnet with 8 address\(es\) is too small, the minimum is 10/,
    ],
    [
      'services that are too many',
      cluster('networking: {serviceSubnet: 10.0.0.0/8}'),
      /specified service subnet is too large; for 32-bit addresses, the mask must be >= 12/,
    ],
    [
      'pods of fewer than one node',
      cluster('networking: {podSubnet: 10.0.0.0/25}'),
      /the size of pod subnet with mask 25 is smaller than the size of node subnet with mask 24/,
    ],
    [
      'pods of too many nodes',
      cluster('networking: {podSubnet: "fd00::/40"}'),
      /pod subnet mask \(40\) and node-mask \(64\) difference is greater than 16/,
    ],
    [
      'a domain with capitals',
      cluster('networking: {dnsDomain: A.b}'),
      /networking\.dnsDomain: Invalid value: "A\.b": a lowercase RFC 1123 subdomain/,
    ],
    [
      'an endpoint with a wrong port',
      cluster('controlPlaneEndpoint: "a:b"'),
      /controlPlaneEndpoint: Invalid value: "a:b": endpoint is not valid/,
    ],
    [
      'a path that is not absolute',
      cluster('certificatesDir: pki'),
      /certificatesDir: Invalid value: "pki": path is not absolute/,
    ],
    [
      'both kinds of etcd',
      cluster(
        'etcd: {local: {dataDir: /a}, external: {endpoints: ["http://a"], caFile: "", certFile: "", keyFile: ""}}',
      ),
      /\.Etcd\.Local and \.Etcd\.External are mutually exclusive/,
    ],
    [
      'a key without its certificate',
      cluster('etcd: {external: {endpoints: ["https://a"], caFile: /a, certFile: "", keyFile: /b}}'),
      /either both or none of \.Etcd\.External\.CertFile and \.Etcd\.External\.KeyFile must be set/,
    ],
    [
      'certificates for plain HTTP',
      cluster('etcd: {external: {endpoints: ["http://a"], caFile: /a, certFile: "", keyFile: ""}}'),
      /the URL must be using the HTTPS scheme/,
    ],
    [
      'an alternative name that is none',
      cluster('apiServer: {certSANs: ["a b"]}'),
      /altname is not a valid IP address, DNS label or a DNS label with subdomain wildcards/,
    ],
    ['a gate that is not known', cluster('featureGates: {Foo: true}'), /Foo is not a valid feature name\./],
    [
      'an algorithm that is not known',
      cluster('encryptionAlgorithm: RSA-1'),
      /Invalid encryption algorithm "RSA-1"\. Must be one of \[ECDSA-P256 ECDSA-P384 RSA-2048 RSA-3072 RSA-4096\]/,
    ],
    [
      'a version that is none',
      cluster('kubernetesVersion: eleven'),
      /doesn't match patterns for neither semantic version nor labels/,
    ],
    ['a repository with capitals', cluster('imageRepository: A/B'), /invalid image repository format/],
    ['a name with capitals', own('nodeRegistration: {name: "A_b"}'), /nodeRegistration\.name: Invalid value: "A_b"/],
    [
      'a token that is none',
      own('bootstrapTokens: [{token: abc}]'),
      /bootstrapTokens\.0\.token: Invalid value: "abc": the bootstrap token is invalid/,
    ],
    [
      'a usage that is none',
      own('bootstrapTokens: [{token: abcdef.0123456789abcdef, usages: [foo]}]'),
      /invalid bootstrap token usage string: foo, valid usage options: signing,authentication/,
    ],
    [
      'two ends of a token',
      own('bootstrapTokens: [{token: abcdef.0123456789abcdef, ttl: 1h, expires: "2030-01-01T00:00:00Z"}]'),
      /the BootstrapToken \.TTL and \.Expires fields are mutually exclusive/,
    ],
    [
      'a port that is none',
      own('localAPIEndpoint: {bindPort: 70000}'),
      /localAPIEndpoint\.bindPort: Invalid value: 70000: port number is not valid/,
    ],
    [
      'a key that is too short',
      own('certificateKey: abcd'),
      /invalid certificate key size 2, the key must be an AES key of size 32/,
    ],
    [
      'a key that is no key',
      own('certificateKey: xyz'),
      /certificate key decoding error: encoding\/hex: invalid byte: U\+0078 'x'/,
    ],
    [
      'a socket of another kind',
      own('nodeRegistration: {criSocket: "tcp://a"}'),
      /only URL scheme "unix" is supported, got "tcp"/,
    ],
    [
      'an argument without a name',
      cluster('scheduler: {extraArgs: [{name: "", value: a}]}'),
      /scheduler\.extraArgs: Invalid value: "index 0": argument has no name/,
    ],
    [
      'an address that must not be',
      own('localAPIEndpoint: {advertiseAddress: 224.0.0.1}'),
      /cannot use "224\.0\.0\.1" as the bind address/,
    ],
  ]
  for (const [what, text, words] of table) {
    test(what, async () => {
      await assert.rejects(init(text), (error: Error) => {
        assert.match(error.message, words)
        return true
      })
    })
  }

  test('several faults are told together', async () => {
    await assert.rejects(
      init(documents('v1beta4', 'certificateKey: ab', 'certificatesDir: a\nimageRepository: A/B')),
      /\[certificateKey: .*, certificatesDir: .*, imageRepository: .*\]$/s,
    )
  })
})

describe('what is allowed', () => {
  for (const endpoint of ['10.0.0.1', '10.0.0.1:6443', 'k8s.example.com', 'k8s.example.com:8443', '[fd00::1]:6443'])
    test(`endpoint ${endpoint} [CFG-12]`, async () => {
      const { cluster } = await init(documents('v1beta4', '', `controlPlaneEndpoint: "${endpoint}"`))
      assert.equal(cluster.controlPlaneEndpoint, endpoint)
    })

  test('addresses of both families', async () => {
    const { cluster } = await init(
      documents(
        'v1beta4',
        '',
        'networking: {podSubnet: "10.244.0.0/16,fd00:10:244::/56", serviceSubnet: "10.96.0.0/16,fd00:10:96::/112"}',
      ),
    )
    assert.equal(cluster.networking.podSubnet, '10.244.0.0/16,fd00:10:244::/56')
  })

  test('documents of others, and empty ones', () => {
    const warnings: string[] = []
    const read = readDocuments(
      '---\n# nothing\n---\napiVersion: v1\nkind: Pod\n---\n',
      (line) => void warnings.push(line),
    )
    assert.deepEqual(read.kinds, [])
    assert.deepEqual(warnings, ['[config] WARNING: Ignored configuration document with GroupVersionKind /v1, Kind=Pod'])
  })
})

describe('join', () => {
  const join = (text: string) => {
    const with_ = tools()
    return joinSettings(
      readDocuments(`apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\n${text}`, with_.warn),
      with_,
    )
  }

  test('the file of the notes for a control plane [CFG-37 CFG-38]', async () => {
    const with_ = tools()
    const text = `apiVersion: kubeadm.k8s.io/v1beta2
kind: JoinConfiguration
discovery:
  bootstrapToken:
    apiServerEndpoint: 10.211.55.48:6443
    token: yc9xno.aw40wwrnzjbv49mh
    caCertHashes:
    - sha256:8a6dcb0070e1acf6b9b42ab16fbd288e2f068b3d05d528bd128b9469df68a862
  timeout: 5m0s
controlPlane:
  localAPIEndpoint:
    advertiseAddress: 10.211.55.49
    bindPort: 6443
  certificateKey: 63430f0e38dbed8fe8523ba7a8f11b708fcde4c4cbcf39109512e7304b4bbc9d
nodeRegistration:
  name: k8s02
  criSocket: /var/run/dockershim.sock
`
    const read = await joinSettings(readDocuments(text, with_.warn), with_)
    assert.equal(read.timeouts.discovery, '5m0s')
    assert.equal(read.discovery.tlsBootstrapToken, 'yc9xno.aw40wwrnzjbv49mh')
    assert.equal(read.controlPlane?.localAPIEndpoint.advertiseAddress, '10.211.55.49')
    assert.equal(read.nodeRegistration.taints?.[0]?.key, 'node-role.kubernetes.io/control-plane')
    const worker = await joinSettings(
      readDocuments(text.replace(/controlPlane:[\s\S]*?(?=nodeReg)/, ''), with_.warn),
      with_,
    )
    assert.equal(worker.controlPlane, undefined)
    assert.equal(worker.nodeRegistration.taints, undefined)
  })

  const table: readonly (readonly [what: string, text: string, words: RegExp])[] = [
    ['no discovery', '', /discovery: Invalid value: "": bootstrapToken or file must be set/],
    [
      'an endpoint without a port',
      'discovery: {bootstrapToken: {token: abcdef.0123456789abcdef, apiServerEndpoint: a, unsafeSkipCAVerification: true}}',
      /address a: missing port in address/,
    ],
    [
      'no hash',
      'discovery: {bootstrapToken: {token: abcdef.0123456789abcdef, apiServerEndpoint: "a:1"}}',
      /using token-based discovery without caCertHashes can be unsafe/,
    ],
    [
      'a file that is not there',
      'discovery: {file: {kubeConfigPath: /nowhere}}',
      /not a valid HTTPS URL or a file on disk/,
    ],
    [
      'a URL without TLS',
      'discovery: {file: {kubeConfigPath: "http://a"}}',
      /if a URL is used, the scheme must be https/,
    ],
    [
      'an authority elsewhere',
      'caCertPath: a\ndiscovery: {file: {kubeConfigPath: "https://a"}}',
      /the ca certificate path must be an absolute path/,
    ],
  ]
  for (const [what, text, words] of table) test(what, () => assert.rejects(join(text), words))
})

test('reset has its defaults, and its checks', () => {
  const with_ = tools()
  assert.equal(resetSettings(readDocuments('', with_.warn), with_).certificatesDir, '/etc/kubernetes/pki')
  const wrong = 'apiVersion: kubeadm.k8s.io/v1beta4\nkind: ResetConfiguration\nunmountFlags: [FOO]\n'
  assert.throws(() => resetSettings(readDocuments(wrong, with_.warn), with_), /unknown unmount flag FOO/)
})

test('gates are read as the flag has them [MOD-03]', () => {
  assert.deepEqual(parseFeatureGates('NodeLocalCRISocket=false, PublicKeysECDSA=TRUE'), {
    NodeLocalCRISocket: false,
    PublicKeysECDSA: true,
  })
  assert.throws(() => parseFeatureGates('SelfHosting=true'), { message: 'unrecognized feature-gate key: SelfHosting' })
  assert.throws(
    () => parseFeatureGates('NodeLocalCRISocket'),
    /missing bool value for feature-gate key:NodeLocalCRISocket/,
  )
})

test('what is printed is what kubeadm prints', async () => {
  const { cluster } = await init(documents('v1beta4', '', 'networking: {podSubnet: 10.244.0.0/16}'))
  assert.deepEqual(parse(configurationYaml(cluster)), {
    apiServer: {},
    apiVersion: 'kubeadm.k8s.io/v1beta4',
    caCertificateValidityPeriod: '87600h0m0s',
    certificateValidityPeriod: '8760h0m0s',
    certificatesDir: '/etc/kubernetes/pki',
    clusterName: 'kubernetes',
    controllerManager: {},
    dns: {},
    encryptionAlgorithm: 'ECDSA-P256',
    etcd: { local: { dataDir: '/var/lib/etcd' } },
    imageRepository: 'registry.k8s.io',
    kind: 'ClusterConfiguration',
    kubernetesVersion: program,
    networking: { dnsDomain: 'cluster.local', podSubnet: '10.244.0.0/16', serviceSubnet: '10.96.0.0/12' },
    proxy: {},
    scheduler: {},
  })
})

describe('upgrade', () => {
  const read = (text: string) => upgradeSettings(readDocuments(text, () => {}))
  const text = `apiVersion: kubeadm.k8s.io/v1beta4
kind: UpgradeConfiguration
apply: {kubernetesVersion: v1.36.2, certificateRenewal: false, patches: {directory: /patches}}
node: {etcdUpgrade: false, skipPhases: [addon]}
timeouts: {upgradeManifests: 90s}
`

  test('what is not said has its default, and what is off stays off when it is written and read again', () => {
    const settings = read(text)
    const { apply, node, timeouts } = settings
    assert.deepEqual([apply.certificateRenewal, apply.etcdUpgrade, apply.forceUpgrade], [false, true, false])
    assert.deepEqual([node.certificateRenewal, node.etcdUpgrade, node.skipPhases], [true, false, ['addon']])
    assert.deepEqual([timeouts.upgradeManifests, timeouts.kubernetesAPICall], ['1m30s', '1m0s'])
    assert.deepEqual(read(configurationYaml(settings)), settings)
  })

  test('what is not known is refused', () => {
    assert.throws(() => read(text.replace('etcdUpgrade', 'etcdUpgrades')), /unknown field "node\.etcdUpgrades"/)
  })
})
