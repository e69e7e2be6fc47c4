/**
 * The proxy of services with the kernel's own rules: a network that is the node, another one outside of it, servers at addresses
 * of pods, and curl. Everything the proxy knows comes from an API server.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startCluster } from '../src/cluster/cluster.ts'
import { Service, type ServiceSpec } from '../src/kinds/core/service.ts'
import { type Endpoint, EndpointSlice } from '../src/kinds/discovery/endpoint-slice.ts'
import { ServiceProxy, type ServiceProxyOptions } from '../src/network/proxy/proxy.ts'
import type { Draft } from '../src/schema/types.ts'
import { NetworkNamespace, rulesMissing } from './support/network-namespace.ts'
import { quietWorld } from './support/served.ts'
import { until } from './support/until.ts'

const namespace = 'default'
const pods = ['10.1.0.1', '10.1.0.2', '10.1.0.3'] as const
const podsSix = ['fd00:1::1', 'fd00:1::2'] as const
const nodeAddress = '10.9.0.1'
const here = { node: 'node1', zone: undefined }

/** Answers with its own address, over HTTP and in datagrams; at `/from` with that from which it was asked. */
const server = `
for (const address of ${JSON.stringify([...pods, ...podsSix])}) {
  require('node:http').createServer(({ url, socket }, response) => response.end((url === '/from' ? socket.remoteAddress : address) + ' '))
    .listen(8080, address)
  const socket = require('node:dgram').createSocket(address.includes(':') ? 'udp6' : 'udp4')
  socket.on('message', (_, { port, address: to }) => socket.send(address + '\\n', port, to)).bind(8080, address)
}
setTimeout(() => console.log('up'), 50)
`

describe('the proxy of services', { skip: rulesMissing() ?? false, concurrency: false }, () => {
  let node: NetworkNamespace
  let outside: NetworkNamespace
  let cluster: Awaited<ReturnType<typeof startCluster>>
  let proxy: ServiceProxy
  /** What was given to nft, one text for each time. */
  let written: string[] = []
  let count = 0

  // nft and conntrack change the network in which they run.
  const exec = {
    ...quietWorld.exec,
    run: async (program: string, args: readonly string[], options?: { readonly input?: string | Uint8Array }) => {
      const ran = await node.run(program, args, options?.input)
      if (options?.input !== undefined) written.push(String(options.input))
      return { ...ran, signal: undefined }
    },
  }
  const options = (more: Partial<ServiceProxyOptions['settings']> = {}): ServiceProxyOptions => ({
    ...quietWorld,
    exec,
    caches: cluster.caches,
    here,
    settings: {
      spread: 'random',
      pods: { cidrs: ['10.1.0.0/16', 'fd00:1::/64'] },
      masqueradesAll: false,
      masqueradeMark: 0x4000,
      nodePortCidrs: [],
      ...more,
    },
    minSyncMs: 10,
    syncMs: 200,
  })
  const restart = async (more?: Partial<ServiceProxyOptions['settings']>) => {
    await proxy?.stop()
    proxy = new ServiceProxy(options(more))
    await proxy.start()
  }
  const endpoint = (address: string, conditions: Endpoint['conditions'] = {}, nodeName = 'node1'): Draft<Endpoint> => ({
    addresses: [address],
    conditions,
    nodeName,
  })
  /** A service and its endpoints, written by hand. Resolves when the rules are there. */
  const make = async (
    spec: Draft<ServiceSpec>,
    endpoints: readonly Draft<Endpoint>[],
    protocol = 'TCP' as 'TCP' | 'UDP',
  ) => {
    const name = `web${count++}`
    const ports = [{ port: 80, targetPort: 8080, protocol }]
    const service = await cluster.client.create(Service, { metadata: { namespace, name }, spec: { ports, ...spec } })
    const families = service.spec.ipFamilies ?? []
    for (const addressType of families as ('IPv4' | 'IPv6')[])
      await cluster.client.create(EndpointSlice, {
        metadata: {
          namespace,
          name: `${name}-${addressType.toLowerCase()}`,
          labels: { 'kubernetes.io/service-name': name },
        },
        addressType,
        endpoints: endpoints.filter(({ addresses }) => addresses![0]!.includes(':') === (addressType === 'IPv6')),
        ports: [{ port: 8080, protocol }],
      })
    await settled(name, endpoints.length > 0 ? families.length : 0)
    return service
  }
  const setEndpoints = async ({ metadata }: Service, endpoints: readonly Draft<Endpoint>[]) => {
    const name = `${metadata.name}-ipv4`
    const patch = { type: 'merge', body: { endpoints } } as const
    const { resourceVersion } = (await cluster.client.patch(EndpointSlice, { namespace, name }, patch)).metadata
    await cluster.caches.of(EndpointSlice).untilRevision(resourceVersion!)
    await until('the rules', async () => proxy.isCurrent)
  }
  const settled = (name: string, slices: number) =>
    until('the rules', async () => {
      const listed = [...cluster.caches.of(EndpointSlice).list(namespace)]
      const known = listed.filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name)
      return known.length >= slices && cluster.caches.of(Service).get(namespace, name) !== undefined && proxy.isCurrent
    })
  /** Who answers, one after the other; `refused`, or `silent` for who does not answer within a second. */
  const ask = async (address: string, times = 1, from = node, port = 80): Promise<string[]> => {
    const host = address.includes(':') ? `[${address}]` : address
    const one = `curl -s -m 1 http://${host}:${port}/ || case $? in 7) echo refused;; *) echo silent;; esac`
    const { stdout } = await from.run('sh', ['-c', `for i in $(seq ${times}); do ${one}; done`])
    return stdout.trim().split(/\s+/)
  }
  const askUdp = async (address: string) => {
    const script = `exec 3<>/dev/udp/${address}/80; echo q >&3; timeout 2 dd bs=100 count=1 <&3 2>/dev/null`
    return (await node.run('bash', ['-c', script])).stdout.trim()
  }
  const sorted = (answers: readonly string[]) => [...new Set(answers)].sort()

  before(async () => {
    node = await NetworkNamespace.create(
      ...[...pods, ...podsSix].map(
        (address) => `ip addr add ${address}/${address.includes(':') ? '128 nodad' : 32} dev lo`,
      ),
      'sysctl -qw net.ipv4.ip_forward=1',
    )
    outside = await NetworkNamespace.create()
    const link = `ip link add eth0 netns ${node.pid} type veth peer name eth0 netns ${outside.pid}`
    assert.equal((await node.run('sh', ['-c', link])).stderr, '')
    await node.run('sh', [
      '-c',
      `ip addr add ${nodeAddress}/24 dev eth0; ip link set eth0 up; ip route add default via 10.9.0.2; ip -6 addr add fd00:9::1/64 dev eth0 nodad; ip -6 route add default via fd00:9::2`,
    ])
    await outside.run('sh', [
      '-c',
      `ip addr add 10.9.0.2/24 dev eth0; ip link set eth0 up; ip route add default via ${nodeAddress}`,
    ])
    const answers = node.start(process.execPath, ['-e', server])
    await new Promise((resolve) => answers.stdout!.once('data', resolve))
    cluster = await startCluster({ apiOnly: true, serviceCidrs: ['10.96.0.0/16', 'fd00:10:96::/112'] })
    await restart()
  })
  after(async () => {
    await proxy?.stop()
    await cluster?.[Symbol.asyncDispose]()
    node?.[Symbol.dispose]()
    outside?.[Symbol.dispose]()
  })

  const all = pods.map((address) => endpoint(address))
  const none = { ready: false, serving: false }

  it('leads the address of a service to all of its endpoints, and to the port that they have [SVC-08]', async () => {
    const { spec } = await make({}, all)
    assert.deepEqual(sorted(await ask(spec.clusterIP!, 30)), pods)
  })

  it('goes on with those that are ready, and with those that end while no other is left [SVC-17]', async () => {
    const service = await make({}, all)
    const address = service.spec.clusterIP!
    await setEndpoints(service, [endpoint(pods[0], none), endpoint(pods[1]), endpoint(pods[2], none)])
    assert.deepEqual(sorted(await ask(address, 10)), [pods[1]])
    const ending = { ready: false, serving: true, terminating: true }
    await setEndpoints(service, [endpoint(pods[0], ending), endpoint(pods[1])])
    assert.deepEqual(sorted(await ask(address, 10)), [pods[1]])
    await setEndpoints(service, [endpoint(pods[0], ending), endpoint(pods[1], none)])
    assert.deepEqual(sorted(await ask(address, 10)), [pods[0]])
  })

  it('refuses at once where there is no endpoint, and where there is no such port', async () => {
    const service = await make({}, [])
    assert.deepEqual(await ask(service.spec.clusterIP!), ['refused'])
    const served = await make({}, all)
    assert.deepEqual(await ask(served.spec.clusterIP!, 1, node, 81), ['refused'])
    await setEndpoints(served, [])
    assert.deepEqual(await ask(served.spec.clusterIP!), ['refused'])
    await setEndpoints(served, all)
    assert.ok(pods.includes((await ask(served.spec.clusterIP!))[0] as (typeof pods)[0]))
  })

  it('leads to what is behind a service without a selector, wherever that is [SVC-13]', async () => {
    const { spec } = await make({}, [endpoint('10.9.0.1')])
    const other = node.start(process.execPath, [
      '-e',
      server.replaceAll(JSON.stringify([...pods, ...podsSix]), '["10.9.0.1"]'),
    ])
    await new Promise((resolve) => other.stdout!.once('data', resolve))
    assert.deepEqual(await ask(spec.clusterIP!), ['10.9.0.1'])
  })

  it('keeps a client with its endpoint where the service says so, and while that is there', async () => {
    const service = await make({ sessionAffinity: 'ClientIP' }, all)
    const [first, ...others] = sorted(await ask(service.spec.clusterIP!, 15))
    assert.deepEqual(others, [])
    await setEndpoints(
      service,
      all.filter(({ addresses }) => addresses![0] !== first),
    )
    const [second, ...more] = sorted(await ask(service.spec.clusterIP!, 15))
    assert.deepEqual(more, [])
    assert.notEqual(second, first)
    // Another one that comes does not take it away.
    await setEndpoints(service, all)
    assert.deepEqual(sorted(await ask(service.spec.clusterIP!, 15)), [second])
  })

  it('opens a port on all addresses of the node, to everybody outside [SVC-04]', async () => {
    const { spec } = await make({ type: 'NodePort' }, all)
    const { nodePort } = spec.ports![0]!
    assert.deepEqual(sorted(await ask(nodeAddress, 30, outside, nodePort)), pods)
    assert.deepEqual(sorted(await ask(nodeAddress, 30, node, nodePort)), pods)
    assert.deepEqual(await ask('127.0.0.1', 1, node, nodePort), ['refused'])
    await restart({ nodePortCidrs: ['10.8.0.0/16'] })
    assert.deepEqual(await ask(nodeAddress, 1, outside, nodePort), ['refused'])
    await restart()
  })

  it('gives the address of the node to whoever is no pod, or, where that is wished, to everybody', async () => {
    const { spec } = await make({}, [all[0]!])
    const seen = async (from: string) =>
      (await node.run('curl', ['-s', '-m', '1', '--interface', from, `http://${spec.clusterIP}/from`])).stdout.trim()
    assert.equal(await seen(pods[1]), pods[1])
    assert.match(await seen(nodeAddress), /^(?!10\.9\.)[\d.]+$/)
    await restart({ masqueradesAll: true })
    assert.match(await seen(pods[1]), /^(?!10\.1\.0\.2)[\d.]+$/)
    await restart()
  })

  it('stays on the node where the policy says so, and says nothing where there is none', async () => {
    const spread = [endpoint(pods[0]), endpoint(pods[1], {}, 'node2'), endpoint(pods[2], {}, 'node2')]
    const outer = await make({ type: 'NodePort', externalTrafficPolicy: 'Local' }, spread)
    const { nodePort } = outer.spec.ports![0]!
    assert.deepEqual(sorted(await ask(nodeAddress, 10, outside, nodePort)), [pods[0]])
    // Those of the cluster may go everywhere.
    assert.deepEqual(sorted(await ask(outer.spec.clusterIP!, 30)), pods)
    await setEndpoints(outer, spread.slice(1))
    assert.deepEqual(await ask(nodeAddress, 1, outside, nodePort), ['silent'])
    const inner = await make({ internalTrafficPolicy: 'Local' }, spread)
    assert.deepEqual(sorted(await ask(inner.spec.clusterIP!, 10)), [pods[0]])
    await setEndpoints(inner, spread.slice(1))
    assert.deepEqual(await ask(inner.spec.clusterIP!), ['silent'])
  })

  it('takes what comes for other addresses of a service, of a balancer only from those that may', async () => {
    const external = await make({ externalIPs: ['10.9.1.5'] }, all)
    assert.deepEqual(sorted(await ask('10.9.1.5', 30, outside)), pods)
    const balanced = await make({ type: 'LoadBalancer', loadBalancerSourceRanges: ['10.7.0.0/16'] }, all)
    const ref = { namespace, name: balanced.metadata.name! }
    const status = { loadBalancer: { ingress: [{ ip: '10.9.1.6' }] } }
    await cluster.client.updateStatus(Service, { ...balanced, status })
    await until('another answer', async () => (await ask('10.9.1.6', 1, outside))[0] === 'silent')
    await cluster.client.patch(Service, ref, {
      type: 'merge',
      body: { spec: { loadBalancerSourceRanges: ['10.9.0.0/24'] } },
    })
    await until('another answer', async () => pods.includes((await ask('10.9.1.6', 1, outside))[0] as (typeof pods)[0]))
    // Two that want the same address: who came first has it, and the other when that goes.
    const late = await make({ externalIPs: ['10.9.1.5'] }, [all[0]!])
    assert.deepEqual(sorted(await ask('10.9.1.5', 30, outside)), pods)
    await cluster.client.delete(Service, { namespace, name: external.metadata.name! })
    await until('another answer', async () => sorted(await ask('10.9.1.5', 10, outside)).join() === pods[0])
    assert.equal(late.spec.externalIPs?.[0], '10.9.1.5')
  })

  it('spreads at random, or, as ipvs does, to one after the other [SVC-19]', async () => {
    const { spec } = await make({}, all)
    await restart({ spread: 'turns' })
    const answers = await ask(spec.clusterIP!, 6)
    assert.deepEqual(answers.slice(0, 3), answers.slice(3))
    assert.deepEqual(sorted(answers), pods)
    await restart()
  })

  it('leads datagrams as well, and both families', async () => {
    const datagrams = await make({}, all, 'UDP')
    assert.ok(pods.includes((await askUdp(datagrams.spec.clusterIP!)) as (typeof pods)[0]))
    const dual = await make({ ipFamilyPolicy: 'RequireDualStack' }, [
      ...all,
      ...podsSix.map((address) => endpoint(address)),
    ])
    const [four, six] = dual.spec.clusterIPs!
    assert.deepEqual(sorted(await ask(four!, 30)), pods)
    assert.deepEqual(sorted(await ask(six!, 20)), podsSix)
  })

  it('leads who goes on sending datagrams away from where nobody is any more', async () => {
    const service = await make({}, [], 'UDP')
    const address = service.spec.clusterIP!
    // One socket all the time: what the kernel remembers of it never runs out.
    const script = `
      const socket = require('node:dgram').createSocket('udp4')
      socket.on('message', (text) => process.stdout.write(text))
      socket.on('error', () => {})
      setInterval(() => socket.send('?', 80, '${address}'), 50)`
    const client = node.start(process.execPath, ['-e', script])
    let heard = ''
    client.stdout!.on('data', (text) => {
      heard += text
    })
    const slice = { namespace, name: `${service.metadata.name}-ipv4` }
    for (const to of [pods[0], pods[1]]) {
      await cluster.client.patch(EndpointSlice, slice, { type: 'merge', body: { endpoints: [endpoint(to)] } })
      await until(`an answer of ${to}`, async () => heard.trimEnd().split('\n').at(-1) === to, 5_000)
    }
    client.kill()
  })

  it('tells a balancer whether it has anything to send here', async () => {
    const spec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local' } as const
    const service = await make(spec, [endpoint(pods[0])])
    const port = service.spec.healthCheckNodePort!
    const look = async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/`)
      return [answer.status, await answer.json()]
    }
    const said = (localEndpoints: number) => ({
      service: { namespace, name: service.metadata.name },
      localEndpoints,
      serviceProxyHealthy: true,
    })
    assert.deepEqual(await look(), [200, said(1)])
    await setEndpoints(service, [endpoint(pods[1], {}, 'node2')])
    assert.deepEqual(await look(), [503, said(0)])
    await cluster.client.delete(Service, { namespace, name: service.metadata.name! })
    const isThere = () => look().then(Boolean, () => false)
    await until('nobody there', async () => !(await isThere()))
  })

  it('writes no more than what has changed, and a growing service makes no other rules longer [SVC-20]', async () => {
    const service = await make({}, all.slice(0, 2))
    const others = await Promise.all(Array.from({ length: 20 }, () => make({}, all)))
    written = []
    await setEndpoints(service, all)
    const lines = written.join('').trim().split('\n')
    assert.ok(lines.length < 10, lines.join('\n'))
    for (const { metadata } of others) assert.doesNotMatch(written.join(''), new RegExp(`${metadata.name}/`))
    written = []
    await setEndpoints(service, [...all].reverse())
    assert.deepEqual(written, [], 'the same in another order')
  })

  it('puts rules back that somebody has taken away, and leaves them when it ends', async () => {
    const { spec } = await make({}, all)
    await node.run('nft', ['flush', 'ruleset'])
    assert.deepEqual(await ask(spec.clusterIP!), ['silent'])
    await until('another answer', async () => (await ask(spec.clusterIP!))[0] !== 'silent')
    await proxy.stop()
    assert.deepEqual(sorted(await ask(spec.clusterIP!, 30)), pods)
    await restart()
    assert.deepEqual(sorted(await ask(spec.clusterIP!, 30)), pods)
  })

  it('forgets what is no service of its own any more [SVC-11]', async () => {
    const { spec, metadata } = await make({}, all)
    await cluster.client.patch(
      Service,
      { namespace, name: metadata.name! },
      {
        type: 'merge',
        body: { metadata: { labels: { 'service.kubernetes.io/service-proxy-name': 'other' } } },
      },
    )
    await until('another answer', async () => (await ask(spec.clusterIP!))[0] === 'silent')
    await make({ clusterIP: 'None' }, all)
    const left = (await node.run('nft', ['list', 'ruleset'])).stdout
    assert.doesNotMatch(left, new RegExp(`${metadata.name}/|web${count - 1}/`))
  })
})
