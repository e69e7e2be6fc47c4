/** Services on three hosts, with the proxy that `coracle init` installs: curl on masters and workers says who answers. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { agentOf, restartAgent } from '../support/host-agent.ts'
import { type Host, Hosts, until } from '../support/hosts.ts'
import { rulesMissing } from '../support/network-namespace.ts'

const lenient = ['--ignore-preflight-errors', 'NumCPU,Mem'] as const
const admin = { KUBECONFIG: '/etc/kubernetes/admin.conf' }
const manifest = '/etc/kubernetes/manifests/web.yaml'

/** Answers as the notes' image does, and says where it runs. */
const server = "require('http').createServer((_, r) => r.end('OK! ' + require('os').hostname() + '\\n')).listen(8080)"

/** A pod that is a process of its host, so that somebody answers. */
const pod = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'default', labels: { app: 'web' } },
  spec: {
    hostNetwork: true,
    containers: [
      { name: 'main', image: 'node', command: [process.execPath, '-e', server], ports: [{ containerPort: 8080 }] },
    ],
  },
})

const service = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { type: 'NodePort', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080, nodePort: 30_080 }] },
})

/** The notes' workload, as a process of a host. */
const deployment = (securityContext: object) =>
  JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'php-apache' },
    spec: {
      selector: { matchLabels: { run: 'php-apache' } },
      template: {
        metadata: { labels: { run: 'php-apache' } },
        spec: {
          runtimeClassName: 'on-the-host',
          hostNetwork: true,
          terminationGracePeriodSeconds: 1,
          containers: [
            {
              name: 'php-apache',
              image: 'pilchard/hpa-example',
              command: [process.execPath, '-e', server.replace('8080', '80')],
              ports: [{ containerPort: 80 }],
              resources: { limits: { cpu: '500m' }, requests: { cpu: '200m' } },
              readinessProbe: { httpGet: { port: 80 }, periodSeconds: 1 },
              securityContext,
            },
          ],
        },
      },
    },
  })

const ofProcesses = JSON.stringify({
  apiVersion: 'node.k8s.io/v1',
  kind: 'RuntimeClass',
  metadata: { name: 'on-the-host' },
  handler: 'process',
})

const service80 = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'php-apache', labels: { run: 'php-apache' } },
  spec: { ports: [{ port: 80 }], selector: { run: 'php-apache' } },
})

/** Of the notes, but for what hosts of tests are called. */
const configuration = `
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
networking:
  podSubnet: 10.222.0.0/18
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
bindAddress: 0.0.0.0
healthzBindAddress: 0.0.0.0:10256
metricsBindAddress: 0.0.0.0:10249
clusterCIDR: 10.222.0.0/18
configSyncPeriod: 15m0s
oomScoreAdj: -999
portRange: ""
nodePortAddresses: []
conntrack:
  maxPerCore: 32768
  min: 131072
  tcpCloseWaitTimeout: 1h0m0s
  tcpEstablishedTimeout: 24h0m0s
iptables:
  masqueradeAll: False
  masqueradeBit: 14
  minSyncPeriod: 0s
  syncPeriod: 30s
mode: iptables
`

describe('services of three hosts', { skip: rulesMissing() ?? false }, () => {
  let hosts: Hosts
  let [master, first, second]: Host[] = []
  let address = ''

  /** Who answers, of so many times. */
  const answers = async (from: Host, url: string, times = 20) => {
    const { stdout } = await from.sh(`for i in $(seq ${times}); do curl -s -m 5 ${url} || echo nobody; done`)
    return stdout.trim().split('\n')
  }
  const who = async (from: Host, url: string, times = 20) => [...new Set(await answers(from, url, times))].sort()
  const both = ['OK! node1', 'OK! node2']
  const proxies = (path: string) =>
    master!.kubectl('get', 'pods', '-n', 'kube-system', '-l', 'k8s-app=kube-proxy', '-o', `jsonpath=${path}`)
  const modes = async () =>
    Promise.all(hosts.all.map(async (host) => (await host.sh('curl -s -m 5 http://127.0.0.1:10249/proxyMode')).stdout))

  before(async () => {
    hosts = await Hosts.create({ count: 3, names: ['master1', 'node1', 'node2'] })
    ;[master, first, second] = hosts.all
    // As the notes prepare each host.
    for (const host of hosts.all) await host.sh('sysctl -qw net.ipv4.ip_forward=1')
    await master!.write('/etc/kubernetes/kubeadm-config.yaml', configuration)
    const made = await master!.coracle('init', '--config', '/etc/kubernetes/kubeadm-config.yaml', ...lenient)
    assert.equal(made.code, 0, made.stdout + made.stderr)
    const [command = ''] = /coracle join .*/s.exec(made.stdout.replaceAll('\\\n', ' ')) ?? []
    const join = command.split(/\s+/).slice(1).filter(Boolean)
    const joined = await Promise.all([first!, second!].map((host) => host.coracle(...join)))
    for (const { code, stdout, stderr } of joined) assert.equal(code, 0, stdout + stderr)
    for (const host of [first!, second!]) await host.write(manifest, pod, 0o600)
    await master!.run('kubectl', ['apply', '-f', '-'], { input: service, env: admin })
    address = await master!.kubectl('get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}')
  })
  after(() => hosts?.[Symbol.asyncDispose]())

  it('have a proxy on each host, which is a process there [SVC-18]', async () => {
    await until('three proxies', async () => {
      const states = await proxies('{range .items[*]}{.status.phase} {.status.containerStatuses[0].ready}{"\\n"}{end}')
      return states.split('\n').filter((state) => state === 'Running true').length === 3
    })
    await until('the way that they work', async () => (await modes()).join() === 'iptables,iptables,iptables')
    for (const host of hosts.all)
      assert.equal((await host.sh('curl -s http://127.0.0.1:10256/healthz -o /dev/null -w %{http_code}')).stdout, '200')
  })

  it('have proxies that listen where their configuration says [CFG-29]', async () => {
    const status = "-o /dev/null -w '%{http_code}'"
    assert.equal((await master!.sh(`curl -s http://${first!.address}:10249/proxyMode`)).stdout, 'iptables')
    assert.equal((await master!.sh(`curl -s ${status} http://${first!.address}:10256/healthz`)).stdout, '200')
  })

  it('have proxies with the rules that their configuration asks for [CFG-31] [CFG-33]', async () => {
    const rules = (await first!.sh('nft list table ip kube-proxy')).stdout
    assert.match(rules, /ip saddr != 10\.222\.0\.0\/18 jump mark-for-masquerade/)
    assert.match(rules, /meta mark set meta mark \| 0x00004000/)
    // No ranges of addresses: node ports are on all but loopback.
    assert.match(rules, /fib daddr type local ip daddr != 127\.0\.0\.0\/8/)
  })

  it('have proxies that set the kernel [CFG-32]', async () => {
    const settings = '/proc/sys/net/netfilter/nf_conntrack_tcp_timeout'
    await until('what connections are remembered for', async () => {
      const { stdout } = await first!.sh(`cat ${settings}_established ${settings}_close_wait`)
      return stdout === '86400\n3600\n'
    })
    // Whoever makes tests in a container may not be allowed to be spared when memory runs out: then the proxy says so.
    const mayBeSpared = (await first!.sh('sh -c "echo -999 > /proc/self/oom_score_adj"')).code === 0
    // Hosts share the processes of the machine, and other tests have proxies, too: those in this network are the host's.
    const ours = '[ "$(readlink /proc/$pid/ns/net)" = "$(readlink /proc/self/ns/net)" ] && cat /proc/$pid/oom_score_adj'
    const { stdout } = await first!.sh(`for pid in $(pgrep -f '[k]ube-proxy --config'); do ${ours}; done; true`)
    assert.deepEqual(new Set(stdout.trim().split('\n')), new Set([mayBeSpared ? '-999' : '0']))
    const log = await master!.kubectl('logs', '-n', 'kube-system', '-l', 'k8s-app=kube-proxy', '--tail=-1')
    assert.equal(/the kernel is not told.*oom_score_adj/.test(log), !mayBeSpared)
  })

  it('answer at their address on masters and on workers [OBS-08]', async () => {
    for (const host of hosts.all)
      await until(`both, from ${host.name}`, async () => (await who(host, `http://${address}/`)).join() === both.join())
    // The API server's own.
    const version = await second!.sh('curl -sk -m 5 https://10.96.0.1/version')
    assert.match(version.stdout, /"gitVersion": "v1\.36/)
  })

  it('answer at the port of every node, also where no such pod is [SVC-04]', async () => {
    for (const host of hosts.all) assert.deepEqual(await who(first!, `http://${host.address}:30080/`), both)
  })

  it('go on while the proxies are made anew, one after the other, to work in another way [SVC-22]', async () => {
    await master!.write('/etc/kubernetes/editor.sh', '#!/bin/sh\nsed -i \'s/^\\( *mode:\\).*/\\1 ipvs/\' "$1"\n', 0o755)
    const env = { ...admin, KUBE_EDITOR: '/etc/kubernetes/editor.sh' }
    const edited = await master!.run('kubectl', ['edit', 'configmaps/kube-proxy', '-n', 'kube-system'], { env })
    assert.equal(edited.stdout, 'configmap/kube-proxy edited\n', edited.stderr)
    let isOver = false
    const meanwhile = (async () => {
      const heard: string[] = []
      while (!isOver) heard.push(...(await answers(first!, `http://${address}/`, 10)))
      return heard
    })()
    const before = (await proxies('{.items[*].metadata.name}')).split(' ')
    for (const name of before) {
      await master!.kubectl('delete', 'pod', '-n', 'kube-system', name)
      await until('another proxy', async () => {
        const ready = await proxies('{.items[?(@.status.containerStatuses[0].ready==true)].metadata.name}')
        return !ready.includes(name) && ready.split(' ').length === 3
      })
    }
    await until('the other way', async () => (await modes()).join() === 'ipvs,ipvs,ipvs')
    isOver = true
    const heard = await meanwhile
    assert.deepEqual([...new Set(heard)].sort(), both)
    const inTurn = await until('turns', () => answers(first!, `http://${address}/`, 4))
    assert.deepEqual(inTurn.slice(0, 2), inTurn.slice(2))
    assert.notEqual(inTurn[0], inTurn[1])
  })

  it('follow their pods [SVC-02]', async () => {
    await first!.sh(`rm ${manifest}`)
    await until('the other one alone', async () => (await who(master!, `http://${address}/`)).join() === both[1])
    await first!.write(manifest, pod, 0o600)
    await until('both again', async () => (await who(master!, `http://${address}/`)).join() === both.join())
  })

  it('lead to a Deployment whose pods are processes, as their runtime class says [HPA-06]', async () => {
    const apply = (input: string) => master!.run('kubectl', ['apply', '-f', '-'], { input, env: admin })
    for (const input of [ofProcesses, service80, deployment({})]) {
      const { code, stderr } = await apply(input)
      assert.equal(code, 0, stderr)
    }
    // Who is not root by Kubernetes' own rules does not become it.
    await until('the reason', async () => {
      const described = await master!.kubectl('describe', 'pod', '-l', 'run=php-apache')
      return /FailedCreatePodSandBox.*set securityContext.privileged of container php-apache/.test(described)
    })
    await apply(deployment({ privileged: true }))
    await master!.kubectl('rollout', 'status', 'deployment/php-apache', '--timeout=60s')
    const read = (what: string, path: string) => master!.kubectl('get', ...what.split(' '), '-o', `jsonpath=${path}`)
    const clusterIP = await read('service php-apache', '{.spec.clusterIP}')
    const [node] = (await read('pod -l run=php-apache', '{.items[*].spec.nodeName}')).split(' ')
    for (const host of hosts.all)
      await until(`an answer, from ${host.name}`, async () => (await who(host, clusterIP)).join() === `OK! ${node}`)
    // Whoever looks after the node anew goes on with what runs there, also when its class is gone.
    const host = hosts.all.find(({ name }) => name === node)!
    const started = () =>
      read('pod -l run=php-apache', '{.items[*].metadata.uid} {.items[*].status.containerStatuses[0]}')
    const before = await started()
    await master!.kubectl('delete', 'runtimeclass', 'on-the-host')
    const renewed = () => read(`lease -n kube-node-lease ${node}`, '{.spec.renewTime}')
    const last = await renewed()
    await restartAgent(host, agentOf(host))
    await until('the new one', async () => (await renewed()) !== last)
    // What it takes for left behind it ends at once, and gives a second for that.
    await host.sh('sleep 3')
    await until('an answer of the same', async () => (await who(master!, clusterIP)).join() === `OK! ${node}`)
    assert.equal(await started(), before)
    await master!.kubectl('delete', 'deployment', 'php-apache')
    await until('nobody', async () => (await who(master!, clusterIP, 1)).join() === 'nobody')
  })
})
