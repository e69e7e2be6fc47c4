import assert from 'node:assert/strict'
import { ConfigMap } from '../../src/kinds/core/config-map.ts'
import { eventually } from '../support/caller.ts'
import { stories } from '../support/kubectl.ts'
import { startOutside } from '../support/outside.ts'

stories(
  {
    'Resources of an aggregated API server are listed, explained and read like any others': async ({
      kubectl,
      namespace,
      cluster,
    }) => {
      const config = await cluster.client.get(ConfigMap, {
        namespace: 'kube-system',
        name: 'extension-apiserver-authentication',
      })
      const clientAuthority = config.data?.['requestheader-client-ca-file'] ?? ''
      await using server = await startOutside('aggregated.ts', { hosts: [`fleet.${namespace}.svc`], clientAuthority })
      await kubectl(`create service externalname fleet --external-name=127.0.0.1 --tcp=${server.port}`)
      await kubectl(
        'create -f -',
        JSON.stringify({
          apiVersion: 'apiregistration.k8s.io/v1',
          kind: 'APIService',
          metadata: { name: 'v1alpha1.fleet.example.com' },
          spec: {
            group: 'fleet.example.com',
            version: 'v1alpha1',
            groupPriorityMinimum: 2000,
            versionPriority: 15,
            caBundle: server.caBundle,
            service: { namespace, name: 'fleet', port: server.port },
          },
        }),
      )
      await kubectl('wait --for=condition=Available apiservice/v1alpha1.fleet.example.com --timeout=20s')
      const [service] = await kubectl.rows('get apiservice v1alpha1.fleet.example.com')
      assert.deepEqual([service?.['SERVICE'], service?.['AVAILABLE']], [`${namespace}/fleet`, 'True'])

      const [resource] = await kubectl.rows('api-resources --api-group=fleet.example.com')
      assert.deepEqual([resource?.['NAME'], resource?.['SHORTNAMES'], resource?.['KIND']], ['ships', 'shp', 'Ship'])
      assert.match(await kubectl('api-versions'), /^fleet\.example\.com\/v1alpha1$/m)

      const ship = {
        apiVersion: 'fleet.example.com/v1alpha1',
        kind: 'Ship',
        metadata: { name: 'pequod' },
        spec: { masts: 3 },
      }
      assert.equal(
        await kubectl('create --validate=false -f -', JSON.stringify(ship)),
        'ship.fleet.example.com/pequod created',
      )
      assert.equal(await kubectl.read('get ship pequod', '{.spec.masts}'), '3')
      assert.equal(await kubectl('get shp -o name'), 'ship.fleet.example.com/pequod')
      assert.match(await kubectl('get ships'), /^NAME +AGE *\npequod +\S+$/)

      const explained = await eventually(async () => {
        const { stdout } = await kubectl.run('explain ships.spec')
        return stdout.includes('masts') ? stdout : undefined
      })
      assert.match(explained, /How many masts it has\./)
      assert.match(await kubectl('delete ship pequod'), /^ship\.fleet\.example\.com "pequod" deleted/)

      await kubectl('delete apiservice v1alpha1.fleet.example.com')
      assert.match(
        await kubectl.refused('get ships'),
        /doesn't have a resource type "ships"|could not find the requested resource/,
      )
    },

    'A namespace waits for an aggregated API server that cannot be asked': async ({ kubectl }) => {
      await kubectl('create namespace leaving')
      const spec = {
        group: 'gone.example.com',
        version: 'v1',
        groupPriorityMinimum: 100,
        versionPriority: 100,
        insecureSkipTLSVerify: true,
        service: { namespace: 'default', name: 'gone' },
      }
      const service = {
        apiVersion: 'apiregistration.k8s.io/v1',
        kind: 'APIService',
        metadata: { name: 'v1.gone.example.com' },
        spec,
      }
      await kubectl('create -f -', JSON.stringify(service))
      await eventually(async () => {
        const [row] = await kubectl.rows('get apiservice v1.gone.example.com')
        return row?.['AVAILABLE'] === 'False (ServiceNotFound)' || undefined
      })
      await kubectl('delete namespace leaving --wait=false')
      const condition = '{.status.conditions[0].message}'
      const said = await eventually(async () => (await kubectl.read('get namespace leaving', condition)) || undefined)
      assert.equal(
        said,
        'Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: ' +
          'gone.example.com/v1: stale GroupVersion discovery: gone.example.com/v1',
      )
      await kubectl('delete apiservice v1.gone.example.com')
      // It may be gone before anybody could wait for it.
      await eventually(async () => (await kubectl('get namespace leaving --ignore-not-found')) === '' || undefined)
    },
  },
  { own: true },
)
