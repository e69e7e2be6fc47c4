import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Service } from '../../kinds/core/service.ts'
import type { EndpointSlice } from '../../kinds/discovery/endpoint-slice.ts'
import { type Answer, answer, type Names } from './records.ts'

const service = (name: string, spec: object) =>
  ({ metadata: { namespace: 'default', name }, spec }) as unknown as Service
const slice = (of: string, endpoints: readonly object[], ports: readonly object[]) =>
  ({
    metadata: { namespace: 'default', name: `${of}-x`, labels: { 'kubernetes.io/service-name': of } },
    endpoints: endpoints.map((endpoint) => ({ conditions: {}, ...endpoint })),
    ports,
  }) as unknown as EndpointSlice

const http = { name: 'http', port: 80 }
const services = [
  service('web', {
    clusterIP: '10.96.0.7',
    clusterIPs: ['10.96.0.7', 'fd00::7'],
    ports: [http, { port: 53, name: 'dns', protocol: 'UDP' }],
  }),
  service('db', { clusterIP: 'None', clusterIPs: ['None'], ports: [{ name: 'sql', port: 5432 }] }),
  service('bare', { clusterIP: 'None', clusterIPs: ['None'] }),
  service('nobody', { clusterIP: 'None', clusterIPs: ['None'] }),
  service('away', { type: 'ExternalName', externalName: 'db.example.org.' }),
]
const slices: readonly EndpointSlice[] = [
  slice('web', [{ addresses: ['10.244.0.9'] }], [http]),
  slice(
    'db',
    [
      { addresses: ['10.244.0.1'], hostname: 'db-0' },
      { addresses: ['10.244.0.2'], hostname: 'db-1', conditions: { ready: true } },
      { addresses: ['10.244.0.3'], hostname: 'db-2', conditions: { ready: false } },
    ],
    [{ name: 'sql', port: 5432, protocol: 'TCP' }],
  ),
  slice('db', [{ addresses: ['fd00::1:2'] }], [{ name: 'sql', port: 5432, protocol: 'TCP' }]),
  slice('bare', [{ addresses: ['10.244.0.5'] }], []),
  { ...slice('bare', [{ addresses: ['host.example.org'] }], []), addressType: 'FQDN' },
]

const names: Names = {
  hasNamespace: (name) => name === 'default',
  service: (namespace, name) =>
    namespace === 'default' ? services.find(({ metadata }) => metadata.name === name) : undefined,
  slicesOf: (_, of) => slices.filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === of),
  serviceAt: (address) => services.find(({ spec }) => spec.clusterIPs?.includes(address)),
  slicesAt: (address) => slices.filter(({ endpoints }) => endpoints?.some(({ addresses }) => addresses[0] === address)),
}

const ask = (name: string, type: string) => answer({ name, type }, 'cluster.local', names, 7)
const about = (name: string, type: string) => ask(name === '' ? 'cluster.local' : `${name}.cluster.local`, type)

/** Answers and additional records, each in a line. */
function lines(given: Answer): string[] | string {
  if (given.outcome === 'refused') return 'refused'
  if (given.outcome === 'missing') return 'missing'
  return [...given.answers, ...given.additionals].map(({ name, type, data }) => {
    const text =
      typeof data === 'object' && 'target' in data ? `${data.weight} ${data.port} ${data.target}` : String(data)
    return `${name.replace('.svc.cluster.local', '')} ${type} ${text.replace('.svc.cluster.local', '')}`
  })
}

describe('names of services', () => {
  const tables: Readonly<Record<string, readonly (readonly [string, string, string[] | string])[]>> = {
    'a service with addresses': [
      ['web.default.svc', 'A', ['web.default A 10.96.0.7']],
      ['web.default.svc', 'AAAA', ['web.default AAAA fd00::7']],
      ['WEB.Default.svc', 'A', ['WEB.Default A 10.96.0.7']],
      ['web.default.svc', 'TXT', []],
      [
        '_http._tcp.web.default.svc',
        'SRV',
        ['_http._tcp.web.default SRV 50 80 web.default', 'web.default A 10.96.0.7', 'web.default AAAA fd00::7'],
      ],
      ['_http._udp.web.default.svc', 'SRV', 'missing'],
      [
        '_dns._udp.web.default.svc',
        'SRV',
        ['_dns._udp.web.default SRV 50 53 web.default', 'web.default A 10.96.0.7', 'web.default AAAA fd00::7'],
      ],
      ['_http._tcp.web.default.svc', 'A', ['_http._tcp.web.default A 10.96.0.7']],
      ['10-244-0-9.web.default.svc', 'A', ['10-244-0-9.web.default A 10.244.0.9']],
    ],
    'a service without one: its ready endpoints': [
      ['db.default.svc', 'A', ['db.default A 10.244.0.1', 'db.default A 10.244.0.2']],
      ['db.default.svc', 'AAAA', ['db.default AAAA fd00::1:2']],
      ['db-0.db.default.svc', 'A', ['db-0.db.default A 10.244.0.1']],
      ['db-0.db.default.svc', 'AAAA', []],
      ['db-2.db.default.svc', 'A', 'missing'],
      ['fd00--1-2.db.default.svc', 'AAAA', ['fd00--1-2.db.default AAAA fd00::1:2']],
      [
        'db.default.svc',
        'SRV',
        [
          'db.default SRV 33 5432 db-0.db.default',
          'db.default SRV 33 5432 db-1.db.default',
          'db.default SRV 33 5432 fd00--1-2.db.default',
          'db-0.db.default A 10.244.0.1',
          'db-1.db.default A 10.244.0.2',
          'fd00--1-2.db.default AAAA fd00::1:2',
        ],
      ],
      ['_sql._tcp.db.default.svc', 'A', ['_sql._tcp.db.default A 10.244.0.1', '_sql._tcp.db.default A 10.244.0.2']],
      ['bare.default.svc', 'A', ['bare.default A 10.244.0.5']],
      ['bare.default.svc', 'SRV', []],
      ['nobody.default.svc', 'A', 'missing'],
    ],
    'a service elsewhere': [
      ['away.default.svc', 'A', ['away.default CNAME db.example.org']],
      ['away.default.svc', 'CNAME', ['away.default CNAME db.example.org']],
      ['away.default.svc', 'SRV', []],
      ['x.away.default.svc', 'A', 'missing'],
    ],
    'what is not there, and what is between': [
      ['none.default.svc', 'A', 'missing'],
      ['web.none.svc', 'A', 'missing'],
      ['none.svc', 'A', 'missing'],
      ['default.svc', 'A', []],
      ['svc', 'A', []],
      ['a._http._tcp.web.default.svc', 'A', 'missing'],
      ['web.default', 'A', 'missing'],
      ['.web.default.svc', 'A', 'missing'],
    ],
    'pods by their addresses': [
      ['10-244-0-1.default.pod', 'A', ['10-244-0-1.default.pod.cluster.local A 10.244.0.1']],
      ['10-244-0-1.default.pod', 'AAAA', []],
      ['fd00--1-2.default.pod', 'AAAA', ['fd00--1-2.default.pod.cluster.local AAAA fd00::1:2']],
      ['10-244-0-999.default.pod', 'A', 'missing'],
      ['10-244-0-1.none.pod', 'A', 'missing'],
      ['default.pod', 'A', []],
    ],
    'the zone itself': [
      ['', 'NS', ['cluster.local NS ns.dns.cluster.local']],
      ['', 'A', []],
      ['dns-version', 'TXT', ['dns-version.cluster.local TXT 1.1.0']],
      ['ns.dns', 'A', []],
    ],
  }
  for (const [what, rows] of Object.entries(tables))
    it(what, () => {
      for (const [name, type, expected] of rows) assert.deepEqual(lines(about(name, type)), expected, `${name} ${type}`)
    })

  it('the names of addresses', () => {
    const six = `${'2.0.0.0.1.0.0.0'}.${'0.'.repeat(20)}0.0.d.f.ip6.arpa`
    for (const [name, expected] of [
      ['7.0.96.10.in-addr.arpa', ['7.0.96.10.in-addr.arpa PTR web.default']],
      ['1.0.244.10.in-addr.arpa', ['1.0.244.10.in-addr.arpa PTR db-0.db.default']],
      ['9.0.244.10.in-addr.arpa', ['9.0.244.10.in-addr.arpa PTR 10-244-0-9.web.default']],
      ['3.0.244.10.in-addr.arpa', 'refused'],
      [six, [`${six} PTR fd00--1-2.db.default`]],
    ] as const)
      assert.deepEqual(lines(ask(name, 'PTR')), expected, name)
  })

  it('the start of the zone carries the serial', () => {
    const given = about('', 'SOA')
    assert.ok(given.outcome === 'found')
    assert.deepEqual(given.answers[0]?.data, {
      mname: 'ns.dns.cluster.local',
      rname: 'hostmaster.cluster.local',
      serial: 7,
      refresh: 7200,
      retry: 1800,
      expire: 86_400,
      minimum: 30,
    })
  })

  it('what is not of the cluster is refused', () => {
    for (const name of ['example.org', 'local', 'xcluster.local', '', '1.1.1.1.in-addr.arpa'])
      assert.equal(ask(name, 'A').outcome, 'refused', name)
  })
})
