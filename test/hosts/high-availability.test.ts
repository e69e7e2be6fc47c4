/** Three control planes with a member of etcd each, behind a balancer; hosts fail, one after the other. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSharedPki, kubeletArguments, writeControlPlane } from '../support/control-plane-files.ts'
import { type Host, Hosts, hostsMissing, until } from '../support/hosts.ts'
import { startOutside } from '../support/outside.ts'

const api = { KUBECONFIG: '/etc/kubernetes/admin.conf' }

describe('three control planes', { skip: hostsMissing() ?? false }, () => {
  let hosts: Hosts
  let masters: readonly Host[]
  let outside: Host
  const kubelets: { readonly output: string }[] = []
  let attempts = 0
  const answered: string[] = []
  /** Two of three, after the first has failed. */
  let living: readonly Host[]

  /** Writes through the balancer, each time something new: what was not answered may have been done all the same. */
  const write = async () => {
    const name = `w${attempts++}`
    const { code } = await outside.run('kubectl', ['create', 'configmap', name, '--request-timeout=3s'], { env: api })
    if (code === 0) answered.push(name)
    return code === 0
  }
  const holders = async (from: Host) => {
    const leases = await from.kubectl(
      'get',
      'lease',
      '-n',
      'kube-system',
      '-o',
      'jsonpath={range .items[*]}{.spec.holderIdentity}{"\\n"}{end}',
    )
    return leases.split('\n').map((holder) => holder.split('_')[0])
  }

  before(async () => {
    hosts = await Hosts.create({ count: 4, names: ['master1', 'master2', 'master3', 'balancer'] })
    masters = hosts.all.slice(0, 3)
    outside = hosts.all[3]!
    const pki = createSharedPki()
    const endpoint = `${outside.address}:6443`
    await writeControlPlane(outside, { pki, endpoint, manifests: false })
    for (const host of masters) {
      // The certificate holds for the balancer as well.
      await writeControlPlane(host, { pki, members: masters, endpoint })
      kubelets.push(host.start('coracle', kubeletArguments))
    }
    outside.start('coracle', [
      'lb',
      '--listen',
      ':6443',
      ...masters.flatMap(({ address }) => ['--backend', `${address}:6443`]),
    ])
  })
  after(async () => {
    await hosts?.[Symbol.asyncDispose]()
  })

  it('serve side by side; one of each controller and scheduler works [TOP-02] [TOP-03] [CFG-16]', async () => {
    await until(
      'three Ready nodes',
      async () =>
        ((await outside.run('kubectl', ['get', 'nodes'], { env: api })).stdout.match(/ Ready /g)?.length ?? 0) === 3,
      60_000,
    )
    const endpoints = () =>
      outside.kubectl('get', 'endpoints', 'kubernetes', '-o', 'jsonpath={.subsets[*].addresses[*].ip}')
    await until('three endpoints', async () => (await endpoints()) === masters.map(({ address }) => address).join(' '))
    const pods = await until('all control-plane pods', async () => {
      const names = (await outside.kubectl('get', 'pods', '-n', 'kube-system', '-o', 'name')).split('\n')
      if (names.length !== 12) throw new Error(`${names.join(' ')}\n${kubelets.map(({ output }) => output).join('\n')}`)
      return names
    })
    for (const { name } of masters) assert.equal(pods.filter((pod) => pod.endsWith(`-${name}`)).length, 4)
    await until('leaders', async () => (await holders(outside)).filter(Boolean).length === 2, 60_000)
    // The same request has the same answer everywhere: of one revision, as controllers that have just begun still write.
    const roles = (host: Host, query: string) =>
      host.kubectl(
        'get',
        '--raw',
        `/apis/rbac.authorization.k8s.io/v1/clusterroles?${query}`,
        '-s',
        `https://${host.address}:6443`,
      )
    const { metadata } = JSON.parse(await roles(masters[0]!, 'limit=1'))
    const exact = `resourceVersion=${metadata.resourceVersion}&resourceVersionMatch=Exact`
    const answers = await Promise.all(masters.map((host) => roles(host, exact)))
    assert.equal(new Set(answers).size, 1)
    assert.ok(JSON.parse(answers[0]!).items.length > 50)
    assert.match(
      await masters[0]!.kubectl('get', 'componentstatuses', '-s', `https://${masters[0]!.address}:6443`),
      /scheduler +Healthy.*\n.*etcd-0 +Healthy|etcd-0 +Healthy/,
    )
  })

  it('show one etcd each, and ask for the others on their own host [CMP-05]', async () => {
    const [asked, other] = masters as readonly [Host, Host]
    const statuses = async ({ address }: Host) => {
      const text = await outside.kubectl('get', 'cs', '--no-headers', '-s', `https://${address}:6443`)
      return text.split('\n').map((line) => line.split(/ +/).slice(0, 2).join(' '))
    }
    const well = ['controller-manager Healthy', 'etcd-0 Healthy', 'scheduler Healthy']
    for (const host of masters) assert.deepEqual((await statuses(host)).sort(), well)
    const path = '/etc/kubernetes/manifests/kube-scheduler.yaml'
    const manifest = await asked.read(path)
    await asked.sh(`rm ${path}`)
    await until('its own is missed', async () => (await statuses(asked)).includes('scheduler Unhealthy'), 40_000)
    assert.deepEqual((await statuses(other)).sort(), well)
    await asked.write(path, manifest, 0o600)
    await until('it is back', async () => (await statuses(asked)).includes('scheduler Healthy'), 40_000)
  })

  it("ask somebody else's API server for its group, each of them, and clear it when a namespace goes", async () => {
    const running = () =>
      masters.flatMap((master) =>
        master.processes().flatMap(({ pid, args }) => (args.includes('kube-apiserver') ? pid : [])),
      )
    const before = running()
    const clientAuthority = await masters[0]!.read('/etc/kubernetes/pki/front-proxy-ca.crt')
    // A further machine on the network of the hosts.
    const host = hosts.address(254)
    await using server = await startOutside('aggregated.ts', { host, hosts: ['fleet.default.svc'], clientAuthority })
    // A balancer cuts connections to a backend that it gives up, which one that is slow may be for a moment.
    const kubectl = (args: readonly string[], input?: string) =>
      until(`kubectl ${args.join(' ')}`, async () => {
        const { code, stdout, stderr } = await outside.run('kubectl', args, { env: api, ...(input && { input }) })
        if (code !== 0) throw new Error(stderr)
        return { text: stdout.trim() }
      })
    const apply = (...items: object[]) =>
      kubectl(['apply', '--validate=false', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
    const name = 'v1alpha1.fleet.example.com'
    await apply(
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 'fleet' }, spec: { ports: [{ port: 443 }] } },
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'fleet-1', labels: { 'kubernetes.io/service-name': 'fleet' } },
        addressType: 'IPv4',
        endpoints: [{ addresses: [host] }],
        ports: [{ port: server.port }],
      },
      {
        apiVersion: 'apiregistration.k8s.io/v1',
        kind: 'APIService',
        metadata: { name },
        spec: {
          group: 'fleet.example.com',
          version: 'v1alpha1',
          groupPriorityMinimum: 2000,
          versionPriority: 15,
          caBundle: server.caBundle,
          service: { namespace: 'default', name: 'fleet' },
        },
      },
    )
    await kubectl(['wait', '--for=condition=Available', `apiservice/${name}`, '--timeout=30s'])
    const inHarbour = { name: 'pequod', namespace: 'harbour' }
    await apply(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'harbour' } },
      { apiVersion: 'fleet.example.com/v1alpha1', kind: 'Ship', metadata: inHarbour },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: inHarbour },
    )
    const at = (master: Host) => ['-s', `https://${master.address}:6443`]
    for (const master of masters) {
      const resources = ['api-resources', '--api-group=fleet.example.com', '-o', 'name', '--cached=false']
      await until(`${master.name} knows the group`, async () =>
        (await kubectl([...resources, ...at(master)])).text.includes('ships.fleet.example.com'),
      )
      const ships = await kubectl(['get', 'ships', '-n', 'harbour', '-o', 'name', ...at(master)])
      assert.equal(ships.text, 'ship.fleet.example.com/pequod')
      const path = '/apis/fleet.example.com/v1alpha1/namespaces/harbour/ships/whoami'
      assert.match((await kubectl(['get', '--raw', path, ...at(master)])).text, /"x-remote-user":"kubernetes-admin"/)
    }
    await kubectl(['delete', 'namespace', 'harbour', '--ignore-not-found', '--timeout=30s'])
    assert.equal((await kubectl(['get', 'ships', '-A', '-o', 'name'])).text, '')

    await kubectl(['delete', 'apiservice', name, '--ignore-not-found'])
    for (const master of masters)
      await until(`${master.name} has forgotten it`, async () =>
        /NotFound/.test(
          (await outside.run('kubectl', ['get', '--raw', '/apis/fleet.example.com', ...at(master)], { env: api }))
            .stderr,
        ),
      )
    assert.deepEqual(running(), before, 'the same processes as at the beginning')
  })

  it('go on when the one is lost that leads etcd: writes go on, nothing that was answered is lost [TOP-01]', async () => {
    const status = JSON.parse(await masters[0]!.etcdctl('endpoint', 'status', '--cluster', '-w', 'json')) as {
      readonly Endpoint: string
      readonly Status: { readonly leader: number; readonly header: { readonly member_id: number } }
    }[]
    const leader = status.find(({ Status }) => Status.leader === Status.header.member_id)!
    const lost = masters.find(({ address }) => leader.Endpoint.includes(`${address}:`))!
    await until('a first write', write)
    lost.kill()
    const since = Date.now()
    await until('a write', write, 10_000)
    const gapMs = Date.now() - since
    for (let more = 0; more < 5; more++) await until('further writes', write)
    const rest = masters.filter((host) => host !== lost)
    const names = await outside.kubectl('get', 'configmaps', '-o', 'name')
    for (const name of answered) assert.match(names, new RegExp(`configmap/${name}$`, 'm'), `after ${gapMs} ms`)
    const left = rest.map(({ address }) => address).join(' ')
    await until(
      'the lost one leaves the endpoints',
      async () =>
        (await outside.kubectl('get', 'endpoints', 'kubernetes', '-o', 'jsonpath={.subsets[*].addresses[*].ip}')) ===
        left,
      40_000,
    )
    await until(
      'leaders among the living',
      async () => (await holders(outside)).every((name) => name !== lost.name),
      40_000,
    )
    living = rest
  })

  it('say clearly that they cannot answer when two are lost; one comes back as what it was, and they answer again [FLR-15]', async () => {
    const [second, last] = living as [Host, Host]
    const whatIs = async () => [
      await last.etcdctl('member', 'list'),
      await last.kubectl(
        'get',
        'nodes',
        '-o',
        'jsonpath={.items[*].metadata.uid}',
        '-s',
        `https://${last.address}:6443`,
      ),
    ]
    const before = await whatIs()
    second.kill()
    await sleep(1000)
    const url = (path: string) => [
      '-sk',
      '--max-time',
      '40',
      '-o',
      '/dev/null',
      '-w',
      '%{http_code}',
      '--cert',
      '/etc/kubernetes/pki/apiserver-kubelet-client.crt',
      '--key',
      '/etc/kubernetes/pki/apiserver-kubelet-client.key',
      `https://${last.address}:6443${path}`,
    ]
    const { stdout: read } = await last.run('curl', url(`/api/v1/namespaces/default/configmaps/${answered[0]}`))
    assert.match(read, /^50[34]$/)
    const { stdout: ready } = await last.run('curl', url('/readyz'))
    assert.equal(ready, '500')
    // What need not be current is read from memory.
    const { stdout: old } = await last.run(
      'curl',
      url(`/api/v1/namespaces/default/configmaps/${answered[0]}?resourceVersion=0`),
    )
    assert.equal(old, '200')
    await second.boot()
    second.start('coracle', kubeletArguments)
    await until('writes', write, 60_000)
    await until('its static pods run', async () =>
      ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].every((name) =>
        second.processes().some(({ args }) => args.slice(0, 8).some((arg) => arg.endsWith(name))),
      ),
    )
    assert.deepEqual(await whatIs(), before)
    await until('its node is Ready', async () =>
      new RegExp(`^${second.name} +Ready `, 'm').test(await last.kubectl('get', 'nodes')),
    )
  })
})
