import assert from 'node:assert/strict'
import { type Scene, stories } from '../support/kubectl.ts'

const secondMs = 1_000

const pod = (name: string, probes: object, says: Readonly<Record<string, string>>) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      labels: { app: name },
      annotations: Object.fromEntries(
        Object.entries(says).map(([probe, verdicts]) => [`simulation.coracle.dev/${probe}`, verdicts]),
      ),
    },
    spec: { containers: [{ name, image: 'nginx', ...probes }] },
  })

/** READY, STATUS and RESTARTS of a pod. */
async function row({ kubectl }: Scene, name: string): Promise<string> {
  const [found] = await kubectl.rows(`get pod ${name}`)
  return `${found?.['READY']} ${found?.['STATUS']} ${found?.['RESTARTS']?.split(' ')[0]}`
}

stories(
  {
    'A pod whose liveness probe fails is restarted, and its restarts are counted [PRB-02]': async (scene) => {
      const { kubectl, cluster } = scene
      const livenessProbe = { httpGet: { path: '/healthz', port: 80 }, periodSeconds: 10, failureThreshold: 3 }
      await kubectl('create -f -', pod('web', { livenessProbe }, { liveness: 'ok 60s=fail' }))
      await cluster.advance(75 * secondMs)
      assert.equal(await row(scene, 'web'), '1/1 Running 0', 'twice is not often enough')
      await cluster.advance(10 * secondMs)
      assert.equal(await row(scene, 'web'), '1/1 Running 1')
      const text = await kubectl('describe pod web')
      assert.match(
        text,
        /^ +Liveness: +http-get http:\/\/:80\/healthz delay=0s timeout=1s period=10s #success=1 #failure=3$/m,
      )
      assert.match(text, /Warning +Unhealthy .* Liveness probe failed: HTTP probe failed with statuscode: 500$/m)
      assert.match(text, /Normal +Killing .* Container web failed liveness probe, will be restarted$/m)
      assert.match(text, /^ +Restart Count: +1$/m)
    },

    'A startup probe holds the others back, as long as etcd takes [PRB-03 PRB-04]': async (scene) => {
      const { kubectl, cluster } = scene
      const health = { httpGet: { host: '127.0.0.1', path: '/health', port: 2381, scheme: 'HTTP' }, timeoutSeconds: 15 }
      const probes = {
        livenessProbe: { ...health, initialDelaySeconds: 10, periodSeconds: 10, failureThreshold: 8 },
        startupProbe: { ...health, initialDelaySeconds: 10, periodSeconds: 10, failureThreshold: 24 },
      }
      await kubectl('create -f -', pod('etcd', probes, { startup: 'fail 205s=ok', liveness: 'fail 205s=ok' }))
      await cluster.advance(200 * secondMs)
      assert.equal(await row(scene, 'etcd'), '0/1 Running 0')
      const text = await kubectl('describe pod etcd')
      const probe = 'http-get http://127.0.0.1:2381/health delay=10s timeout=15s period=10s #success=1'
      assert.ok(new RegExp(`^ +Liveness: +${probe} #failure=8$`, 'm').test(text), text)
      assert.ok(new RegExp(`^ +Startup: +${probe} #failure=24$`, 'm').test(text), text)
      assert.match(text, /Unhealthy .* Startup probe failed: HTTP probe failed with statuscode: 500$/m)
      assert.doesNotMatch(text, /Liveness probe failed/)
      await cluster.advance(20 * secondMs)
      assert.equal(await row(scene, 'etcd'), '1/1 Running 0')
    },

    'A command decides by its exit code whether a pod is ready [PRB-05]': async (scene) => {
      const { kubectl, cluster } = scene
      const readinessProbe = { exec: { command: ['cat', '/tmp/healthy'] }, periodSeconds: 5, failureThreshold: 1 }
      await kubectl('create -f -', pod('readiness-exec', { readinessProbe }, { readiness: 'ok' }))
      await cluster.advance(5 * secondMs)
      assert.equal(await row(scene, 'readiness-exec'), '1/1 Running 0')
      await kubectl('annotate pod readiness-exec --overwrite simulation.coracle.dev/readiness=fail')
      await cluster.advance(10 * secondMs)
      assert.equal(await row(scene, 'readiness-exec'), '0/1 Running 0', 'not ready, and not restarted')
      assert.match(
        await kubectl('describe pod readiness-exec'),
        /exec \[cat \/tmp\/healthy\] delay=0s timeout=1s period=5s/,
      )
      await kubectl('annotate pod readiness-exec simulation.coracle.dev/readiness-')
      await cluster.advance(10 * secondMs)
      assert.equal(await row(scene, 'readiness-exec'), '1/1 Running 0')
    },
  },
  { own: true, virtualTime: true },
)
