/** A cluster from nothing with `init` and `join`, on hosts with a real etcd: as it should go, and as it goes on bad days. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { initPhases } from '../../src/lifecycle/init/phases.ts'
import { namesOf } from '../../src/lifecycle/phase.ts'
import { type Host, Hosts, hostsMissing, until } from '../support/hosts.ts'

/** What hosts of tests have less of than a control plane should. */
const lenient = ['--ignore-preflight-errors', 'NumCPU,Mem'] as const

/** The file with which the notes begin their site, without the flags that components of today refuse. */
const notes = (host: Host) => `
apiVersion: kubeadm.k8s.io/v1beta2
kind: InitConfiguration
localAPIEndpoint:
  advertiseAddress: ${host.address}
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
      heartbeat-interval: "250"
      auto-compaction-retention: "8"
      snapshot-count: "10000"
    serverCertSANs: [etcd.kube-system.svc.cluster.local, etcd.kube-system.svc, etcd.kube-system, etcd]
    peerCertSANs: [etcd.kube-system.svc.cluster.local, etcd.kube-system.svc, etcd.kube-system, etcd]
networking:
  dnsDomain: cluster.local
  serviceSubnet: 10.233.0.0/18
  podSubnet: 10.222.0.0/18
kubernetesVersion: v1.18.5
controlPlaneEndpoint: ${host.address}
certificatesDir: /etc/kubernetes/pki
imageRepository: k8s.gcr.io
apiServer:
  extraArgs:
    anonymous-auth: "True"
    authorization-mode: Node,RBAC
    bind-address: 0.0.0.0
    apiserver-count: "3"
    endpoint-reconciler-type: lease
    service-node-port-range: 30000-32767
    profiling: "False"
    request-timeout: "1m0s"
    enable-aggregator-routing: "False"
    storage-backend: etcd3
    allow-privileged: "true"
    feature-gates: RotateKubeletServerCertificate=True
  extraVolumes:
  - name: basic-time
    hostPath: /etc/localtime
    mountPath: /etc/localtime
    pathType: File
  certSANs: [kubernetes, kubernetes.default, localhost, 127.0.0.1, localhost6, "::1", k8s02, lb-apiserver.kubernetes.local]
  timeoutForControlPlane: 5m0s
controllerManager:
  extraArgs:
    experimental-cluster-signing-duration: 87600h0m0s
    node-monitor-grace-period: 40s
    node-monitor-period: 5s
    profiling: "False"
    terminated-pod-gc-threshold: "12500"
    bind-address: 0.0.0.0
    configure-cloud-routes: "false"
    feature-gates: RotateKubeletServerCertificate=True
scheduler:
  extraArgs:
    bind-address: 0.0.0.0
    feature-gates: RotateKubeletServerCertificate=True
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clusterCIDR: 10.222.0.0/18
hostnameOverride: k8s01
mode: iptables
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
clusterDNS:
- 10.233.0.10
`

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

/** What somebody without a credential is answered. */
const anonymous = async (host: Host, url: string) => (await host.run('curl', ['-sSk', '--max-time', '5', url])).stdout

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
    hosts = await Hosts.create({ count: 3, names: ['k8s01', 'k8s02', 'k8s04'] })
    ;[first, second, worker] = hosts.all
    await first!.write('/etc/kubernetes/kubeadm-config.yaml', notes(first!))
    initArgs = ['init', '--config', '/etc/kubernetes/kubeadm-config.yaml', '--upload-certs', ...lenient]
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
    await until('the node is ready', () => isReady(first!, 'k8s01'))
  })

  it('what init made is what kubeadm makes [INI-05 INI-07 PHS-04 PHS-05 PHS-06 PHS-07 CFG-39 CFG-40]', async () => {
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
    assert.match(config, /podSubnet: 10\.222\.0\.0\/18/)
    assert.match(config, /kubernetesVersion: v1\.18\.5/)
    await first!.kubectl('get', 'cm', '-n', 'kube-system', 'kubelet-config')
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

  it('everything in the file of the notes has come to count [CFG-03 CFG-06 CFG-07 CFG-08 CFG-09 CFG-10 CFG-11 CFG-12 CFG-21 CFG-22]', async () => {
    const services = await first!.kubectl('get', 'services', '-A', '-o', 'jsonpath={.items[*].spec.clusterIP}')
    assert.deepEqual(services.split(' ').sort(), ['10.233.0.1', '10.233.0.10'])
    assert.match(
      await first!.kubectl('get', 'node', 'k8s01', '-o', 'jsonpath={.spec.podCIDR}'),
      /^10\.222\.\d+\.0\/24$/,
    )
    const etcd = await first!.read('/etc/kubernetes/manifests/etcd.yaml')
    for (const words of ['--election-timeout=5000', '--heartbeat-interval=250', 'image: k8s.gcr.io/etcd:3.4.3-0'])
      assert.ok(etcd.includes(words), words)
    const server = await first!.read('/etc/kubernetes/manifests/kube-apiserver.yaml')
    for (const words of ['path: /etc/localtime', 'type: File', 'image: k8s.gcr.io/kube-apiserver:v1.18.5'])
      assert.ok(server.includes(words), words)
    const sans = async (file: string) => {
      const certificate = new X509Certificate(await first!.read(`/etc/kubernetes/pki/${file}.crt`))
      return certificate.subjectAltName!.split(', ').map((name) => name.replace(/^(DNS|IP Address):/, ''))
    }
    const names = await sans('apiserver')
    for (const name of ['k8s01', 'k8s02', 'lb-apiserver.kubernetes.local', 'localhost6', '10.233.0.1', first!.address])
      assert.ok(names.includes(name), name)
    assert.equal(new Set(names).size, names.length)
    for (const file of ['etcd/server', 'etcd/peer'])
      assert.ok((await sans(file)).includes('etcd.kube-system.svc.cluster.local'))
    const admin = await first!.read('/etc/kubernetes/admin.conf')
    assert.match(admin, /current-context: kubernetes-admin@cluster\.local/)
  })

  it('the flags of the API server in the file are in its manifest, and count [CFG-14 CFG-15 CFG-17 CFG-18 CFG-19]', async () => {
    const manifest = await first!.read('/etc/kubernetes/manifests/kube-apiserver.yaml')
    for (const [, name, value] of notes(first!).matchAll(/^ {4}([a-z-]+): "?([^"\n]+)"?$/gm))
      if (['anonymous-auth', 'authorization-mode', 'allow-privileged', 'storage-backend'].includes(name!))
        assert.ok(manifest.includes(`--${name}=${value}`), name)
    for (const server of [`https://${first!.address}:6443`, 'https://127.0.0.1:6443'])
      for (const [path, words] of [
        ['/healthz', /^ok$/],
        ['/version', /"gitVersion": "v1\.36/],
      ] as const)
        assert.match(await anonymous(first!, server + path), words)
    assert.equal((await first!.sh('curl -s http://127.0.0.1:8080/healthz')).code, 7, 'nobody listens')
    assert.match(await anonymous(first!, `https://${first!.address}:6443/api/v1/pods`), /Forbidden/)
    await first!.kubectl('run', 'privileged', '--image=a', '--privileged', '--dry-run=server')
    assert.match((await first!.tryKubectl('get', '--raw', '/debug/pprof/')).stderr, /NotFound/)
    assert.match(await first!.etcdctl('get', '/registry/namespaces/kube-system', '--keys-only'), /kube-system/)

    const nodePort = (name: string, ...args: string[]) =>
      first!.tryKubectl('create', 'service', 'nodeport', name, '--tcp=80', '--dry-run=server', ...args)
    const given = await nodePort('one', '-o', 'jsonpath={.spec.ports[0].nodePort}')
    assert.ok(Number(given.stdout) >= 30_000 && Number(given.stdout) <= 32_767, given.stdout + given.stderr)
    assert.match(
      (await nodePort('two', '--node-port=29999')).stderr,
      /provided port is not in the valid range\. The range of valid ports is 30000-32767/,
    )
  })

  it('etcd lets each of its certificates in as a client [CRT-15]', async () => {
    for (const name of ['server', 'peer', 'healthcheck-client'])
      assert.match(
        (
          await first!.sh(
            `cd /etc/kubernetes/pki/etcd && ETCDCTL_API=3 etcdctl --endpoints https://${first!.address}:2379 --cacert ca.crt --cert ${name}.crt --key ${name}.key endpoint health 2>&1`,
          )
        ).stdout,
        /is healthy/,
        name,
      )
  })

  it('hosts may join with the token, and be nodes [PHS-12]', async () => {
    const token = /--token ([a-z0-9]{6})\./.exec(output)![1]!
    await first!.kubectl('get', 'secret', '-n', 'kube-system', `bootstrap-token-${token}`)
    const map = '/api/v1/namespaces/kube-public/configmaps/cluster-info'
    const info = await anonymous(first!, `https://${first!.address}:6443${map}`)
    assert.ok(info.includes(`jws-kubeconfig-${token}`), info)
    for (const [binding, role] of [
      ['kubelet-bootstrap', 'system:node-bootstrapper'],
      ['node-autoapprove-bootstrap', 'system:certificates.k8s.io:certificatesigningrequests:nodeclient'],
      ['node-autoapprove-certificate-rotation', 'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient'],
    ])
      assert.equal(
        await first!.kubectl('get', 'clusterrolebinding', `kubeadm:${binding}`, '-o', 'jsonpath={.roleRef.name}'),
        role,
      )
  })

  it('the proxy of services takes its node from its pod, and the DNS its data from the API [CFG-34 MOD-10]', async () => {
    const system = ['-n', 'kube-system']
    assert.match(
      await first!.kubectl('get', 'cm', ...system, 'kube-proxy', '-o', 'jsonpath={.data.config\\.conf}'),
      /hostnameOverride: k8s01/,
    )
    const path = '{.spec.template.spec.containers[0]'
    assert.match(
      await first!.kubectl('get', 'daemonset', ...system, 'kube-proxy', '-o', `jsonpath=${path}.command}`),
      /--hostname-override=\$\(NODE_NAME\)/,
    )
    assert.equal(
      await first!.kubectl(
        ...['get', 'daemonset', ...system, 'kube-proxy'],
        ...['-o', `jsonpath=${path}.env[0].valueFrom.fieldRef.fieldPath}`],
      ),
      'spec.nodeName',
    )
    const corefile = await first!.kubectl('get', 'cm', ...system, 'coredns', '-o', 'jsonpath={.data.Corefile}')
    assert.match(corefile, /^ {4}kubernetes cluster\.local in-addr\.arpa ip6\.arpa \{$/m)
    assert.doesNotMatch(corefile, /etcd/)
    for (const resource of ['services', 'endpointslices.discovery.k8s.io', 'pods', 'namespaces'])
      assert.equal(
        await first!.kubectl(
          'auth',
          'can-i',
          'watch',
          resource,
          '-A',
          '--as=system:serviceaccount:kube-system:coredns',
        ),
        'yes',
      )
  })

  it('init ends with both commands [INI-10 INI-11]', () => {
    const said = output.slice(output.indexOf('\nYour Kubernetes control-plane'))
    assert.match(
      said,
      /You can now join any number of control-plane nodes running the following command on each as root:\n\n {2}coracle join \S+:6443 --token [a-z0-9]{6}\.[a-z0-9]{16} \\\n\t--discovery-token-ca-cert-hash sha256:[0-9a-f]{64} \\\n\t--control-plane --certificate-key [0-9a-f]{64}\n/,
    )
    assert.match(
      said,
      /Then you can join any number of worker nodes by running the following on each as root:\n\ncoracle join /,
    )
  })

  it('its pods run, and the node is marked [CFG-04 INI-13 INI-15 INI-17 PHS-11 PHS-13 PHS-14]', async () => {
    const pods = await until('seven pods', async () => {
      const names = (await first!.kubectl('get', 'pods', '-n', 'kube-system', '-o', 'name')).split('\n')
      return names.length === 7 && names
    })
    for (const name of ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'])
      assert.ok(pods.includes(`pod/${name}-k8s01`), name)
    await until('five of them are ready', async () => {
      const rows = await first!.kubectl('get', 'pods', '-n', 'kube-system', '--no-headers')
      return rows.split('\n').filter((row) => /\s1\/1\s+Running\s+0\s/.test(row)).length === 5
    })
    const node = JSON.parse(await first!.kubectl('get', 'node', 'k8s01', '-o', 'json'))
    assert.equal(node.metadata.labels['node-role.kubernetes.io/control-plane'], '')
    assert.ok(
      node.spec.taints.some(
        (taint: { key: string; effect: string }) =>
          taint.key === 'node-role.kubernetes.io/master' && taint.effect === 'NoSchedule',
      ),
    )
    // They tolerate the taint of today, and there is no other node.
    const dns = await first!.kubectl('get', 'pods', '-n', 'kube-system', '-l', 'k8s-app=kube-dns', '--no-headers')
    assert.deepEqual(
      dns.split('\n').map((line) => line.split(/\s+/)[2]),
      ['Pending', 'Pending'],
    )
    assert.match(await first!.read('/etc/kubernetes/kubelet.conf'), /kubelet-client-current\.pem/)
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
    const made = await first!.coracle('init', 'phase', 'certs', 'apiserver', '--config', initArgs[2]!)
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
    for (const { stdout } of uploads)
      assert.match(
        stdout,
        /^\[upload-certs\] Storing the certificates in Secret "kubeadm-certs" in the "kube-system" Namespace\n/,
      )
    const keys = uploads.map(({ stdout }) => /Using certificate key:\n([0-9a-f]{64})\n$/.exec(stdout)?.[1])
    assert.ok(keys[0] && keys[1] && keys[0] !== keys[1])
    output = output.replace(/--certificate-key [0-9a-f]{64}/, `--certificate-key ${keys[1]}`)
  })

  it('names that are added later are in the certificate, and in what later joins go by [CRT-11 CRT-13 CFG-41 PHS-09]', async () => {
    const file = '/etc/kubernetes/more-names.yaml'
    await first!.write(file, notes(first!).replace('k8s02, ', 'k8s02, k8s09.example.com, '))
    const regenerate = ['init', 'phase', 'certs', 'apiserver', '--config', file]
    const kept = await first!.coracle(...regenerate)
    assert.match(kept.stdout, /\[certs\] Using existing apiserver certificate and key on disk/)
    await first!.sh('mv /etc/kubernetes/pki/apiserver.crt /etc/kubernetes/pki/apiserver.key /var/lib/coracle/')
    const made = await first!.coracle(...regenerate)
    assert.match(made.stdout, /signed for DNS names \[[^\]]*k8s09\.example\.com[^\]]*\] and IPs \[10\.233\.0\.1 /)
    const shown = `openssl s_client -connect ${first!.address}:6443 </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName`
    await until('the new names are shown', async () => (await first!.sh(shown)).stdout.includes('k8s09.example.com'))
    const stored = await first!.coracle('init', 'phase', 'upload-config', 'all', '--config', file)
    assert.equal(stored.code, 0, stored.stderr)
    assert.equal(
      stored.stdout,
      `[upload-config] Storing the configuration used in ConfigMap "kubeadm-config" in the "kube-system" Namespace
[kubelet] Creating a ConfigMap "kubelet-config" in namespace kube-system with the configuration for the kubelets in the cluster
`,
    )
    const map = await first!.kubectl('get', 'cm', '-n', 'kube-system', 'kubeadm-config', '-o', 'yaml')
    assert.match(map, /- k8s09\.example\.com/)
  })

  it('joins that must fail say why, and leave the host as it was [HST-02 JOI-09 JOI-18 JOI-19]', async () => {
    const [, command = ''] = commandsIn(output)
    const hash = /sha256:[0-9a-f]{64}/.exec(command)![0]
    const otherHash = `sha256:${hash[7] === '0' ? '1' : '0'}${hash.slice(8)}`
    const secretless = command.replace(/(--token [a-z0-9]{6}\.)[a-z0-9]{16}/, '$10123456789abcdef')
    const faults: readonly (readonly [line: string, words: RegExp])[] = [
      [secretless, /failed to verify JWS signature of received cluster info object, can't trust this API Server/],
      [command.replace(hash, otherHash), /none of the public keys "sha256:[0-9a-f]{64}" are pinned/],
      [`${command} --control-plane`, /failure loading certificate for CA: couldn't load the certificate file/],
      [`${command} --node-name k8s01`, /a Node with name "k8s01" and status "Ready" already exists in the cluster/],
    ]
    for (const [line, words] of faults) {
      const { code, stderr } = await worker!.sh(line)
      assert.equal(code, 1, line)
      assert.match(stderr, words)
      assert.deepEqual(await filesOf(worker!), [], line)
    }
  })

  it('a worker joins by the command that init prints, with a certificate that holds as long as was asked [JOI-01 CFG-24 INI-20 MOD-11]', async () => {
    const [, command = ''] = commandsIn(output)
    const { code, stdout, stderr } = await worker!.sh(command)
    assert.equal(code, 0, stdout + stderr)
    assert.ok(stdout.includes('This node has joined the cluster:\n* Certificate signing request was sent to apiserver'))
    await until('the worker is ready', () => isReady(first!, 'k8s04'))
    assert.ok(!(await filesOf(worker!)).includes('/etc/kubernetes/bootstrap-kubelet.conf'))
    const again = await worker!.sh(command)
    assert.equal(again.code, 0, again.stdout + again.stderr)
    const own = new X509Certificate((await worker!.sh('cat /var/lib/kubelet/pki/kubelet-client-current.pem')).stdout)
    const authority = new X509Certificate(await first!.read('/etc/kubernetes/pki/ca.crt'))
    const lifeMs = own.validToDate.getTime() - own.validFromDate.getTime()
    assert.ok(lifeMs > 9.9 * 365 * 24 * 3_600_000, own.validTo)
    assert.ok(own.validToDate.getTime() <= authority.validToDate.getTime(), own.validTo)

    const nodes = (await first!.kubectl('get', 'nodes', '--no-headers')).split('\n').map((row) => row.split(/ +/))
    assert.deepEqual(
      nodes.map(([name, , roles]) => [name, roles]),
      [
        ['k8s01', 'control-plane'],
        ['k8s04', '<none>'],
      ],
    )
    const path = 'jsonpath={.status.numberReady} {.status.readyReplicas}'
    await until('one proxy on each node, two name servers', async () => {
      const proxies = await first!.kubectl('get', 'daemonset', '-n', 'kube-system', 'kube-proxy', '-o', path)
      const dns = await first!.kubectl('get', 'deployment', '-n', 'kube-system', 'coredns', '-o', path)
      return proxies.trim() === '2' && dns.trim() === '2'
    })
  })

  it('health of the components is told to other hosts [CFG-28]', async () => {
    for (const port of [10_257, 10_259])
      assert.equal(await anonymous(worker!, `https://${first!.address}:${port}/healthz`), 'ok')
  })

  it('a control plane that joins, killed at each of its phases, is finished by the same command [JOI-05]', async () => {
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
    await until('it is ready', () => isReady(second!, 'k8s02'))
    const members = (await first!.etcdctl('member', 'list')).split('\n')
    assert.deepEqual(
      members.map((line) => line.split(', ').slice(1, 3)),
      [
        ['started', 'k8s01'],
        ['started', 'k8s02'],
      ].sort(
        (one, other) =>
          members.findIndex((line) => line.includes(one[1]!)) - members.findIndex((line) => line.includes(other[1]!)),
      ),
    )
    assert.ok(members.every((line) => line.endsWith('false')))
  })

  it('each API server uses the etcd beside it, and the cluster knows both [TOP-06]', async () => {
    const manifest = await second!.read('/etc/kubernetes/manifests/kube-apiserver.yaml')
    assert.match(manifest, /--etcd-servers=https:\/\/127\.0\.0\.1:2379/)
    assert.match(await second!.read('/etc/kubernetes/scheduler.conf'), new RegExp(`https://${second!.address}:6443`))
    await until('both are endpoints', async () => {
      const ips = await first!.kubectl('get', 'endpoints', 'kubernetes', '-o', 'jsonpath={.subsets[*].addresses[*].ip}')
      return ips.split(' ').sort().join(' ') === [first!.address, second!.address].sort().join(' ')
    })
  })

  it('reset asks, takes the member out, and leaves nothing behind [JOI-24]', async () => {
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
      ['k8s01'],
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
