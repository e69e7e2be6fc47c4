import assert from 'node:assert/strict'
import { type Scene, stories } from '../support/kubectl.ts'

/** The notes' workload: requests of 200m, so that 206 percent are 412m. */
const workload = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: php-apache
  annotations: {simulation.coracle.dev/cpu-load: "0"}
spec:
  selector: {matchLabels: {run: php-apache}}
  replicas: 1
  template:
    metadata: {labels: {run: php-apache}}
    spec:
      containers:
      - name: php-apache
        image: pilchard/hpa-example
        ports: [{containerPort: 80}]
        resources: {limits: {cpu: 500m}, requests: {cpu: 200m}}
---
apiVersion: v1
kind: Service
metadata: {name: php-apache, labels: {run: php-apache}}
spec: {ports: [{port: 80}], selector: {run: php-apache}}
`

const daemons = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: d}
spec:
  selector: {matchLabels: {a: b}}
  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}
`

const onMemory = `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: php-apache}
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: php-apache}
  metrics:
  - type: Resource
    resource: {name: memory, target: {type: AverageValue, averageValue: 1Gi}}
  behavior: {scaleDown: {stabilizationWindowSeconds: 60}}
`

const look = 15_000

async function looks({ cluster }: Scene, times: number): Promise<void> {
  for (let n = 0; n < times; n++) await cluster.advance(look)
}

const size = async ({ kubectl }: Scene) => Number(await kubectl.read('get deployment php-apache', '{.spec.replicas}'))

stories(
  {
    'An autoscaler as the notes make it, in all its life [HPA-01 HPA-05 HPA-06 HPA-07 HPA-08 HPA-10 HPA-18 HPA-19]':
      async (scene) => {
        const { kubectl } = scene
        assert.equal(
          await kubectl('apply -f -', workload),
          'deployment.apps/php-apache created\nservice/php-apache created',
        )
        assert.equal(
          await kubectl('autoscale deployment --max=10 php-apache --cpu-percent=30'),
          'horizontalpodautoscaler.autoscaling/php-apache autoscaled',
        )
        const row = async () => {
          const [{ NAME, REFERENCE, TARGETS, MINPODS, MAXPODS, REPLICAS } = {}] = await kubectl.rows('get hpa')
          return [NAME, REFERENCE, TARGETS, MINPODS, MAXPODS, REPLICAS].join(' ')
        }
        assert.equal(await row(), 'php-apache Deployment/php-apache cpu: <unknown>/30% 1 10 0')
        await looks(scene, 3)
        assert.equal(await row(), 'php-apache Deployment/php-apache cpu: 0%/30% 1 10 1')

        // ab -n 1000 -c 200
        await kubectl('annotate --overwrite deployment php-apache simulation.coracle.dev/cpu-load=4120m')
        const sizes: number[] = []
        for (let n = 0; n < 5; n++) {
          await looks(scene, 1)
          sizes.push(await size(scene))
        }
        assert.deepEqual(sizes, [4, 8, 10, 10, 10])
        assert.equal(await row(), 'php-apache Deployment/php-apache cpu: 206%/30% 1 10 10')
        assert.equal((await kubectl.rows('get pod -l run=php-apache')).length, 10)

        const described = await kubectl('describe hpa php-apache')
        if (kubectl.minor < 23) {
          // It knows version 1 alone, whose conditions are an annotation.
          assert.match(described, /Current CPU utilization: +206%/)
          assert.match(described, /"type":"AbleToScale","status":"True"/)
        } else {
          assert.match(described, /resource cpu on pods\s+\(as a percentage of request\):\s+206% \(412m\) \/ 30%/)
          assert.match(described, /AbleToScale\s+True\s+ReadyForNewScale\s+recommended size matches current size/)
          assert.match(
            described,
            /ScalingActive\s+True\s+ValidMetricFound\s+the HPA was able to successfully calculate/,
          )
          assert.match(described, /ScalingLimited\s+True\s+TooManyReplicas\s+the desired replica count is more than/)
        }
        assert.match(
          described,
          /Normal\s+SuccessfulRescale\s+.*\s+horizontal-pod-autoscaler\s+New size: 10; reason: cpu resource utilization \(percentage of request\) above target/,
        )

        await kubectl('annotate --overwrite deployment php-apache simulation.coracle.dev/cpu-load=0')
        await looks(scene, 20)
        assert.equal(await size(scene), 10)
        await looks(scene, 2)
        assert.equal(await size(scene), 1)
        assert.match(await kubectl('describe hpa'), /New size: 1; reason: All metrics below target/)
      },

    'What kubectl autoscale wants to know, and what it leaves to the server [HPA-02 HPA-03 HPA-04]': async ({
      kubectl,
    }) => {
      await kubectl('apply -f -', workload)
      assert.match(await kubectl.refused('autoscale deployment php-apache'), /required flag\(s\) "max" not set/)
      assert.match(
        await kubectl.refused('autoscale deployment php-apache --max=0'),
        /--max=MAXPODS is required and must be at least 1/,
      )
      assert.match(await kubectl('autoscale deployment -h'), /autoscale \(-f FILENAME \| TYPE NAME \| TYPE\/NAME\)/)
      await kubectl('autoscale deployment php-apache --min=2 --max=10')
      const target = '{.spec.metrics[0].resource.target.averageUtilization}'
      assert.equal(await kubectl.read('get horizontalpodautoscalers.v2.autoscaling php-apache', target), '80')
      assert.equal(
        await kubectl.read(
          'get horizontalpodautoscalers.v1.autoscaling php-apache',
          '{.spec.targetCPUUtilizationPercentage}',
        ),
        '80',
      )
      // Nothing that has no scale can be a target.
      await kubectl('apply -f -', daemons)
      assert.match(
        await kubectl.refused('autoscale daemonset d --max=3'),
        /could not find the requested resource|cannot autoscale/,
      )
    },

    'The fields that limit how fast it goes are explained [HPA-15]': async ({ kubectl }) => {
      const text = await kubectl('explain HorizontalPodAutoscaler.spec.behavior --api-version=autoscaling/v2')
      for (const field of ['scaleDown', 'scaleUp']) assert.match(text, new RegExp(`${field}\\s+<`))
    },

    'Both versions show the same autoscaler, and annotations carry what the old one has no fields for': async (
      scene,
    ) => {
      const { kubectl } = scene
      await kubectl('apply -f -', workload)
      await kubectl('apply -f -', onMemory)
      await looks(scene, 3)
      const old = JSON.parse(await kubectl('get horizontalpodautoscalers.v1.autoscaling php-apache -o json'))
      const of = (name: string) => JSON.parse(old.metadata.annotations[`autoscaling.alpha.kubernetes.io/${name}`])
      assert.deepEqual(of('metrics'), [{ type: 'Resource', resource: { name: 'memory', targetAverageValue: '1Gi' } }])
      assert.deepEqual(of('current-metrics'), [
        { type: 'Resource', resource: { name: 'memory', currentAverageValue: '16Mi' } },
      ])
      assert.equal(of('behavior').ScaleDown.StabilizationWindowSeconds, 60)
      assert.deepEqual(
        of('conditions').map(({ type }: { readonly type: string }) => type),
        ['AbleToScale', 'ScalingActive', 'ScalingLimited'],
      )
      // What is sent back in the old form is what it was.
      await kubectl('apply -f -', JSON.stringify({ ...old, metadata: { ...old.metadata, managedFields: undefined } }))
      const now = JSON.parse(await kubectl('get horizontalpodautoscalers.v2.autoscaling php-apache -o json'))
      assert.equal(now.spec.metrics[0].resource.target.averageValue, '1Gi')
      assert.equal(now.spec.behavior.scaleDown.stabilizationWindowSeconds, 60)
    },
  },
  { own: true, virtualTime: true },
)
