import assert from 'node:assert/strict'
import { Resolver } from 'node:dns/promises'
import { startDns } from '../../src/network/dns/server.ts'
import { type Scene, stories } from '../support/kubectl.ts'
import { quietWorld } from '../support/served.ts'

const minuteMs = 60_000

/** A set whose pods take a minute to become ready, and half a minute to stop. */
const statefulSet = (spec: object = {}) => {
  const labels = { app: 'ss' }
  const annotations = { 'simulation.coracle.dev/ready-after': '1m', 'simulation.coracle.dev/stop-after': '30s' }
  const containers = [{ name: 'nginx', image: 'nginx:1' }]
  return JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'ss' },
    spec: {
      replicas: 3,
      serviceName: 'ss',
      selector: { matchLabels: labels },
      template: { metadata: { labels, annotations }, spec: { terminationGracePeriodSeconds: 60, containers } },
      ...spec,
    },
  })
}

/** Each pod with how far it is: `ss-0 1/1 Running nginx:1`. */
async function pods({ kubectl }: Scene): Promise<string[]> {
  const columns = 'NAME:.metadata.name,IMAGE:.spec.containers[0].image'
  const images = await kubectl.rows(`get pods -o custom-columns=${columns}`)
  const rows = await kubectl.rows('get pods')
  return rows.map(({ NAME, READY, STATUS }, n) => `${NAME} ${READY} ${STATUS} ${images[n]?.['IMAGE']}`)
}

/** When a pod was made and when it was ready, in milliseconds. */
async function life({ kubectl }: Scene, name: string): Promise<{ readonly made: number; readonly ready: number }> {
  const ready = "{.status.conditions[?(@.type=='Ready')].lastTransitionTime}"
  const text = await kubectl.read(`get pod ${name}`, `{.metadata.creationTimestamp} ${ready}`)
  const [made = '', up = ''] = text.split(' ')
  return { made: Date.parse(made), ready: Date.parse(up) }
}

/** That each was made when the one before it had been ready for long enough. */
async function cameInOrder(scene: Scene, names: readonly string[]): Promise<void> {
  const lives = await Promise.all(names.map((name) => life(scene, name)))
  for (const [n, { made, ready }] of lives.entries()) {
    assert.equal(ready - made >= minuteMs, true)
    if (n > 0) assert.ok(made >= lives[n - 1]!.ready, `${names[n]} came before ${names[n - 1]} was ready`)
  }
}

async function upAndRunning({ kubectl, cluster }: Scene, spec: object = {}): Promise<void> {
  await kubectl('create -f -', statefulSet(spec))
  await cluster.settle()
}

stories(
  {
    'Pods come in order, each when the one before is ready [STS-01 STS-02]': async (scene) => {
      const { kubectl, cluster } = scene
      assert.equal(await kubectl('create -f -', statefulSet()), 'statefulset.apps/ss created')
      await cluster.settle()
      const [{ AGE: _, ...row } = {}] = await kubectl.rows('get statefulset')
      assert.deepEqual(row, { NAME: 'ss', READY: '3/3' })
      assert.deepEqual(
        await pods(scene),
        [0, 1, 2].map((n) => `ss-${n} 1/1 Running nginx:1`),
      )
      await cameInOrder(scene, ['ss-0', 'ss-1', 'ss-2'])
    },

    'A pod that does not come up holds up those above it [STS-04]': async (scene) => {
      const { kubectl, cluster } = scene
      await upAndRunning(scene, { replicas: 1 })
      await kubectl('cordon node-1 node-2 node-3')
      await kubectl('delete pod ss-0 --wait=false')
      await kubectl('scale statefulset ss --replicas=3')
      await cluster.advance(3 * minuteMs)
      assert.deepEqual(await pods(scene), ['ss-0 0/1 Pending nginx:1'])
      await kubectl('uncordon node-1 node-2 node-3')
      await cluster.advance(3 * minuteMs)
      await cameInOrder(scene, ['ss-0', 'ss-1', 'ss-2'])
    },

    'They go the other way round, each when the one after it is quite gone [STS-03 STS-09]': async (scene) => {
      const { kubectl, cluster } = scene
      await upAndRunning(scene)
      assert.equal(await kubectl('scale statefulset ss --replicas=1'), 'statefulset.apps/ss scaled')
      await cluster.settle()
      assert.deepEqual(await pods(scene), ['ss-0 1/1 Running nginx:1'])
      const stopped = async (name: string) =>
        Date.parse(
          await kubectl.read(
            `get events --field-selector=reason=Killing,involvedObject.name=${name}`,
            '{.items[0].firstTimestamp}',
          ),
        )
      assert.ok((await stopped('ss-1')) - (await stopped('ss-2')) >= minuteMs / 2)
      await kubectl('scale statefulset ss --replicas=2')
      await cluster.settle()
      assert.deepEqual(
        (await pods(scene)).map((pod) => pod.slice(0, 4)),
        ['ss-0', 'ss-1'],
        'upwards, the next higher number comes',
      )
    },

    'Each finds its peers by the SRV records of the headless service [STS-07]': async (scene) => {
      const { kubectl, cluster } = scene
      await kubectl('create service clusterip ss --clusterip=None --tcp=80')
      await upAndRunning(scene, { serviceName: 'ss' })
      await using dns = await startDns({ ...quietWorld, caches: cluster.caches, at: { host: '127.0.0.1', port: 0 } })
      const resolver = new Resolver()
      resolver.setServers([`127.0.0.1:${dns.port}`])
      const zone = `ss.${await kubectl.read('get service ss', '{.metadata.namespace}')}.svc.cluster.local`
      // Each with its address, which is that of the pod.
      const peers = async () => {
        const records = await resolver.resolveSrv(zone)
        const found = records.map(async ({ name, port }) => `${name}:${port} ${await resolver.resolve4(name)}`)
        return (await Promise.all(found)).sort()
      }
      const running = async () => {
        const text = await kubectl.read('get pods', '{range .items[*]}{.metadata.name} {.status.podIP}|{end}')
        const all = text.split('|').filter(Boolean)
        return all.map((pod) => pod.replace(' ', `.${zone}:80 `)).sort()
      }
      assert.equal((await peers()).length, 3)
      assert.deepEqual(await peers(), await running())
      await kubectl('scale statefulset ss --replicas=5')
      await cluster.settle()
      assert.equal((await peers()).length, 5)
      assert.deepEqual(await peers(), await running())
      await kubectl('scale statefulset ss --replicas=1')
      await cluster.settle()
      assert.deepEqual(await peers(), await running())
      assert.equal((await peers()).length, 1)
    },

    'A changed template replaces the pods from the last to the first [STS-08]': async (scene) => {
      const { kubectl, cluster } = scene
      await upAndRunning(scene)
      const edited = await kubectl.run('edit statefulset ss', { editor: 'sed -i "s/nginx:1/nginx:2/"' })
      assert.equal(edited.stdout, 'statefulset.apps/ss edited\n', edited.stderr)
      await cluster.settle()
      assert.deepEqual(
        await pods(scene),
        [0, 1, 2].map((n) => `ss-${n} 1/1 Running nginx:2`),
      )
      await cameInOrder(scene, ['ss-2', 'ss-1', 'ss-0'])
      assert.match(await kubectl('rollout status statefulset ss'), /roll out complete: 3 new pods/)
    },

    'With OnDelete only the pod changes that somebody deletes [STS-08]': async (scene) => {
      const { kubectl, cluster } = scene
      await upAndRunning(scene, { updateStrategy: { type: 'OnDelete' } })
      await kubectl('set image statefulset ss nginx=nginx:2')
      await cluster.settle()
      assert.ok((await pods(scene)).every((pod) => pod.endsWith('nginx:1')))
      await kubectl('delete pod ss-1 --wait=false')
      await cluster.settle()
      assert.deepEqual(await pods(scene), [
        'ss-0 1/1 Running nginx:1',
        'ss-1 1/1 Running nginx:2',
        'ss-2 1/1 Running nginx:1',
      ])
    },
  },
  { own: true, virtualTime: true },
)
