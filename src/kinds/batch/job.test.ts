import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode } from '../../schema/decode.ts'
import { FieldErrors } from '../../schema/field-errors.ts'
import type { Mutable } from '../../schema/types.ts'
import { Job, jobSchema } from './job.ts'

type Json = Record<string, unknown>

function created(spec: Json, metadata: Json = {}): Mutable<Job> {
  const template = { spec: { containers: [{ name: 'c', image: 'i' }], restartPolicy: 'Never' } }
  const { object } = decode(jobSchema, { metadata: { name: 'a', uid: 'u', ...metadata }, spec: { template, ...spec } })
  Job.defaults(object)
  Job.prepareCreate(object)
  return object
}

function faultsOf(job: Job): string[] {
  const errors = new FieldErrors()
  Job.validate(job, errors)
  return errors.causes.map(({ field, message }) => `${field}: ${message}`)
}

test('a new job finds its pods by its own UID', () => {
  const job = created({})
  assert.deepEqual(job.spec.selector?.matchLabels, { 'batch.kubernetes.io/controller-uid': 'u' })
  assert.equal(job.spec.template.metadata.labels?.['job-name'], 'a')
  assert.equal(job.metadata.labels?.['job-name'], 'a')
  assert.deepEqual(faultsOf(job), [])
})

test('labels that the author gave to a job stay alone', () => {
  assert.deepEqual(created({}, { labels: { mine: 'x' } }).metadata.labels, { mine: 'x' })
})

test('a job with a selector of its author gets no labels', () => {
  const template = {
    metadata: { labels: { x: 'y' } },
    spec: { containers: [{ name: 'c', image: 'i' }], restartPolicy: 'Never' },
  }
  const job = created({ manualSelector: true, selector: { matchLabels: { x: 'y' } }, template })
  assert.deepEqual(job.spec.template.metadata.labels, { x: 'y' })
  assert.deepEqual(faultsOf(job), [])
})

const onExitCodes = { operator: 'In', values: [2, 1, 0] }
const faulty: readonly (readonly [spec: Json, faults: readonly string[]])[] = [
  [
    { completionMode: 'Indexed', parallelism: 1 },
    ['spec.completions: Required value: when completion mode is Indexed'],
  ],
  [{ backoffLimitPerIndex: 1 }, ['spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode']],
  [
    { podFailurePolicy: { rules: [{ action: 'Count', onExitCodes }] } },
    [
      'spec.podFailurePolicy.rules[0].onExitCodes.values[2]: Invalid value: 0: must not be 0 for the In operator',
      'spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [2,1,0]: must be ordered',
    ],
  ],
  [
    { podFailurePolicy: { rules: [{ action: 'FailJob' }] } },
    ['spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required'],
  ],
  [
    { completionMode: 'Indexed', completions: 3, successPolicy: { rules: [{ succeededIndexes: '0,2-1' }] } },
    [
      'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0,2-1": error parsing succeededIndexes: ' +
        'non-increasing order, previous: 2, current: 1',
    ],
  ],
]

for (const [spec, faults] of faulty) {
  test(`a job with ${JSON.stringify(spec)} is refused`, () => {
    assert.deepEqual(faultsOf(created(spec)), faults)
  })
}

test('what a suspended job runs on may still change, what it runs may not', () => {
  const old = created({ suspend: true })
  const update = (change: (spec: Mutable<Job>['spec']['template']['spec']) => void): string[] => {
    const job = structuredClone(old)
    change(job.spec.template.spec)
    Job.prepareUpdate(job, old)
    const errors = new FieldErrors()
    Job.validateUpdate(job, old, errors)
    return errors.causes.map(({ field }) => field ?? '')
  }
  assert.deepEqual(
    update((spec) => {
      spec.nodeSelector = { disk: 'ssd' }
    }),
    [],
  )
  assert.deepEqual(
    update((spec) => {
      spec.hostname = 'h'
    }),
    ['spec.template'],
  )
})
