import assert from 'node:assert/strict'
import { stories } from '../support/kubectl.ts'
import { startOutside } from '../support/outside.ts'

const schemaOf = (spec: object) => ({
  openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: spec } } },
})

stories(
  {
    'Two versions of a custom resource, converted by a webhook, are one object': async ({ kubectl }) => {
      await using server = await startOutside('conversion.ts', { hosts: ['127.0.0.1'] })
      const definition = {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'lamps.lights.example.com' },
        spec: {
          group: 'lights.example.com',
          scope: 'Namespaced',
          names: { plural: 'lamps', kind: 'Lamp' },
          versions: [
            {
              name: 'v1',
              served: true,
              storage: true,
              schema: schemaOf({
                address: { type: 'string', description: 'Host and port.' },
                color: { type: 'string' },
              }),
            },
            {
              name: 'v2',
              served: true,
              storage: false,
              schema: schemaOf({
                host: { type: 'string', description: 'Where it hangs.' },
                port: { type: 'integer' },
                color: { type: 'string' },
              }),
              additionalPrinterColumns: [{ name: 'Host', type: 'string', jsonPath: '.spec.host' }],
            },
          ],
          conversion: {
            strategy: 'Webhook',
            webhook: {
              conversionReviewVersions: ['v1'],
              clientConfig: { url: `https://127.0.0.1:${server.port}/convert`, caBundle: server.caBundle },
            },
          },
        },
      }
      await kubectl('create -f -', JSON.stringify(definition))
      await kubectl('wait --for=condition=Established crd/lamps.lights.example.com --timeout=20s')
      const old = {
        apiVersion: 'lights.example.com/v1',
        kind: 'Lamp',
        metadata: { name: 'a' },
        spec: { address: 'hall:80' },
      }
      assert.equal(await kubectl('apply -f -', JSON.stringify(old)), 'lamp.lights.example.com/a created')

      // The newer version is the preferred one.
      assert.deepEqual(
        (await kubectl.rows('get lamps')).map((row) => row['HOST']),
        ['hall'],
      )
      assert.equal(
        await kubectl.read('get lamp a', '{.apiVersion} {.spec.host} {.spec.port}'),
        'lights.example.com/v2 hall 80',
      )
      assert.equal(await kubectl.read('get lamps.v1.lights.example.com a', '{.spec.address}'), 'hall:80')
      assert.match(await kubectl('explain lamps.spec.host'), /Where it hangs\./)
      assert.match(await kubectl('explain lamps.spec.address --api-version=lights.example.com/v1'), /Host and port\./)

      const renewed = { ...old, apiVersion: 'lights.example.com/v2', spec: { host: 'porch', port: 81 } }
      assert.equal(
        await kubectl('apply --force-conflicts --server-side -f -', JSON.stringify(renewed)),
        'lamp.lights.example.com/a serverside-applied',
      )
      assert.equal(await kubectl.read('get lamps.v1.lights.example.com a', '{.spec.address}'), 'porch:81')
      await kubectl(`patch lamp a --type=merge -p '{"spec":{"color":"red"}}'`)
      await kubectl('label lamp a lit=yes')
      assert.equal(await kubectl.read('get lamps.v1.lights.example.com -l lit=yes', '{.items[*].spec.color}'), 'red')

      await server.kill()
      await kubectl('create -f -', JSON.stringify({ ...old, metadata: { name: 'b' } }))
      assert.match(
        await kubectl.refused('get lamp b'),
        /conversion webhook for lights\.example\.com\/v1, Kind=Lamp failed: Post .*: connect: connection refused/,
      )
      assert.equal(await kubectl('get lamps.v1.lights.example.com b -o name'), 'lamp.lights.example.com/b')
      await server.restart()
      assert.equal(await kubectl.read('get lamp b', '{.spec.host}'), 'hall')
      assert.match(await kubectl('delete lamps --all'), /lamp\.lights\.example\.com "a" deleted/)
    },
  },
  { own: true },
)
