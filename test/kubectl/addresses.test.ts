import assert from 'node:assert/strict'
import { stories } from '../support/kubectl.ts'

const service = (name: string, spec: object = {}) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports: [{ port: 5432 }], ...spec } })

const endpoints = (name: string, ...ips: readonly string[]) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name },
    subsets: [{ addresses: ips.map((ip) => ({ ip })), ports: [{ port: 5432 }] }],
  })

stories({
  'Endpoints written by hand for a service without a selector become slices, for those who send traffic [SVC-13]':
    async ({ kubectl, settle }) => {
      const addresses = () =>
        kubectl.read('get endpointslices -l kubernetes.io/service-name=db', '{.items[*].endpoints[*].addresses[0]}')
      await kubectl('create -f -', service('db'))
      await settle()
      assert.equal(await addresses(), '')
      await kubectl('apply -f -', endpoints('db', '192.168.13.60'))
      await settle()
      assert.equal(await addresses(), '192.168.13.60')
      const [row] = await kubectl.rows('get endpointslices')
      assert.deepEqual([row!['ADDRESSTYPE'], row!['PORTS'], row!['ENDPOINTS']], ['IPv4', '5432', '192.168.13.60'])
      await kubectl('apply -f -', endpoints('db', '192.168.13.60', '192.168.13.61'))
      await settle()
      assert.equal(await addresses(), '192.168.13.60 192.168.13.61')
      await kubectl('delete endpoints db')
      await settle()
      assert.equal(await addresses(), '')
    },
})

stories(
  {
    'A further range of service addresses can be added, and taken away when nobody uses it': async ({
      kubectl,
      settle,
      cluster,
    }) => {
      assert.match(
        await kubectl.refused('create -f -', service('db', { clusterIP: '10.200.0.7' })),
        /failed to allocate IP 10\.200\.0\.7: the provided IP \(10\.200\.0\.7\) is not in the valid range/,
      )
      const range = { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name: 'more' } }
      await kubectl('create -f -', JSON.stringify({ ...range, spec: { cidrs: ['10.200.0.0/24'] } }))
      await settle()
      await kubectl('create -f -', service('db', { clusterIP: '10.200.0.7' }))
      assert.deepEqual(
        (await kubectl.rows('get ipaddresses')).map(({ NAME }) => NAME),
        ['10.200.0.7', '10.96.0.1'],
      )
      await kubectl('delete servicecidr more --wait=false')
      await settle()
      assert.match(
        await kubectl.read('get servicecidr more', '{.status.conditions[0].message}'),
        /^There are still IPAddresses referencing the ServiceCIDR/,
      )
      await kubectl('delete service db')
      await cluster.advance(15_000)
      assert.match(await kubectl.refused('get servicecidr more'), /servicecidrs\.networking\.k8s\.io "more" not found/)
    },

    'A node that somebody brings gets a part of the pods’ addresses': async ({ kubectl, settle }) => {
      await kubectl('create -f -', JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'guest' } }))
      await settle()
      const ranges = (await kubectl.read('get nodes', '{.items[*].spec.podCIDR}')).split(' ')
      assert.equal(new Set(ranges).size, 4)
      assert.match(await kubectl('describe node guest'), /^PodCIDR: +10\.244\.\d+\.0\/24$/m)
    },
  },
  { own: true, virtualTime: true },
)
