import assert from 'node:assert/strict'
import { Service } from '../../src/index.ts'
import { Ingress } from '../../src/kinds/networking/ingress.ts'
import { type Scene, stories } from '../support/kubectl.ts'

const path = (path: string, name: string) => ({
  path,
  pathType: 'Prefix',
  backend: { service: { name, port: { number: 80 } } },
})

const rule = (host: string, ...paths: object[]) => ({ host, http: { paths } })

const ingress = (name: string, spec: object) =>
  JSON.stringify({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name }, spec })

const ingressClass = (name: string, isDefault: boolean) =>
  JSON.stringify({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: {
      name,
      annotations: { 'ingressclass.kubernetes.io/is-default-class': String(isDefault) },
    },
    spec: { controller: `example.com/${name}` },
  })

/** What a cloud does that has given a balancer an address. */
async function balance({ cluster, namespace }: Scene, name: string, ip: string): Promise<void> {
  const service = await cluster.client.get(Service, { namespace, name })
  await cluster.client.updateStatus(Service, { ...service, status: { loadBalancer: { ingress: [{ ip }] } } })
}

/** What an ingress controller does that has taken an Ingress on. */
async function takeOn({ cluster, namespace }: Scene, name: string, ip: string): Promise<void> {
  const found = await cluster.client.get(Ingress, { namespace, name })
  await cluster.client.updateStatus(Ingress, { ...found, status: { loadBalancer: { ingress: [{ ip }] } } })
}

stories(
  {
    'Three ways to the outside: a port of each node, a balancer for each service, one address for many [SVC-12 ING-08]':
      async (scene) => {
        const { kubectl } = scene
        await kubectl('create service nodeport ported --tcp=80')
        const [ported] = await kubectl.rows('get svc ported')
        assert.deepEqual([ported?.['TYPE'], ported?.['EXTERNAL-IP']], ['NodePort', '<none>'])
        assert.match(ported!['PORT(S)']!, /^80:3\d{4}\/TCP$/)

        for (const name of ['one', 'two']) await kubectl(`create service loadbalancer ${name} --tcp=80`)
        await balance(scene, 'one', '203.0.113.1')
        await balance(scene, 'two', '203.0.113.2')
        const balanced = (await kubectl.rows('get svc')).filter(({ TYPE }) => TYPE === 'LoadBalancer')
        assert.deepEqual(
          balanced.map((row) => [row['NAME'], row['EXTERNAL-IP']]),
          [
            ['one', '203.0.113.1'],
            ['two', '203.0.113.2'],
          ],
        )
        assert.match(await kubectl('describe svc two'), /^LoadBalancer Ingress: +203\.0\.113\.2( \(VIP\))?$/m)

        const rules = [rule('one.example.com', path('/', 'one')), rule('two.example.com', path('/', 'two'))]
        await kubectl('create -f -', ingress('all', { rules }))
        await takeOn(scene, 'all', '203.0.113.3')
        const [all] = await kubectl.rows('get ing')
        assert.deepEqual([all?.['HOSTS'], all?.['ADDRESS']], ['one.example.com,two.example.com', '203.0.113.3'])
      },

    'A NodePort takes a port of every node, which no other service can have [SVC-26]': async ({ kubectl }) => {
      const ported = (name: string, nodePort: number) =>
        `create service nodeport ${name} --tcp=80 --node-port=${nodePort}`
      await kubectl(ported('one', 30_080))
      assert.match(
        await kubectl.refused(ported('two', 30_080)),
        /spec\.ports\[0\]\.nodePort: Invalid value: 30080: provided port is already allocated$/,
      )
      assert.match(
        await kubectl.refused(ported('two', 8080)),
        /provided port is not in the valid range\. The range of valid ports is 30000-32767$/,
      )
      // Which machines to call, the service does not say: that is for the nodes.
      assert.equal((await kubectl.rows('get svc one -o wide'))[0]?.['EXTERNAL-IP'], '<none>')
      assert.equal(await kubectl.read('get svc one', '{.status.loadBalancer}'), '{}')
    },

    'An Ingress is no type of service: it stands before several, and does nothing without a controller [ING-01]':
      async (scene) => {
        const { kubectl } = scene
        const type = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { type: 'Ingress' } }
        assert.match(
          await kubectl.refused('create -f - --validate=false', JSON.stringify(type)),
          /spec\.type: Unsupported value: "Ingress": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"$/,
        )
        await kubectl('create -f -', ingressClass('nginx', false))
        const spec = {
          ingressClassName: 'nginx',
          tls: [{ hosts: ['kubia.example.com'], secretName: 'tls-secret' }],
          rules: [
            rule('kubia.example.com', path('/yh', 'kubia'), path('/foo', 'bar')),
            rule('bar.example.com', path('/', 'bar')),
          ],
        }
        await kubectl('create -f -', ingress('kubia', spec))
        const row = async () => {
          const [{ NAME, CLASS, HOSTS, ADDRESS, PORTS } = {}] = await kubectl.rows('get ingress')
          return [NAME, CLASS, HOSTS, ADDRESS, PORTS]
        }
        const hosts = 'kubia.example.com,bar.example.com'
        assert.deepEqual(await row(), ['kubia', 'nginx', hosts, '', '80, 443'])
        const text = await kubectl('describe ingress kubia')
        for (const line of [
          /^TLS:\n +tls-secret terminates kubia\.example\.com$/m,
          /^ +kubia\.example\.com +\n +\/yh +kubia:80 .*\n +\/foo +bar:80 /m,
          /^ +bar\.example\.com +\n +\/ +bar:80 /m,
        ])
          assert.match(text, line)
        await takeOn(scene, 'kubia', '203.0.113.9')
        assert.deepEqual(await row(), ['kubia', 'nginx', hosts, '203.0.113.9', '80, 443'])
      },

    'An Ingress from a file, which must say in which version it is written [ING-02]': async ({ kubectl }) => {
      const file = ingress('ingressyaohong', { rules: [rule('kubia.example.com', path('/', 'kubia-nodeport'))] })
      const { apiVersion: _, ...era } = JSON.parse(file)
      assert.match(await kubectl.refused('create -f -', JSON.stringify(era)), /apiVersion not set/)
      assert.equal(await kubectl('create -f -', file), 'ingress.networking.k8s.io/ingressyaohong created')
      assert.equal(
        await kubectl.read('get ing ingressyaohong', '{.spec.rules[0].http.paths[0].backend.service.name}'),
        'kubia-nodeport',
      )
    },

    'The default class is written into an Ingress that names none': async ({ kubectl }) => {
      const rules = [rule('kubia.example.com', path('/', 'kubia'))]
      await kubectl('create -f -', ingress('before', { rules }))
      await kubectl('create -f -', ingressClass('nginx', true))
      await kubectl('create -f -', ingress('after', { rules }))
      await kubectl('create -f -', ingressClass('other', false))
      await kubectl('create -f -', ingress('named', { rules, ingressClassName: 'other' }))
      assert.deepEqual(
        (await kubectl.rows('get ing')).map(({ NAME, CLASS }) => [NAME, CLASS]),
        [
          ['after', 'nginx'],
          ['before', '<none>'],
          ['named', 'other'],
        ],
      )
    },
  },
  { own: true, apiOnly: true },
)
