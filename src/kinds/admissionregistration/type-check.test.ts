import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kinds } from '../index.ts'
import { typeWarnings } from './type-check.ts'
import type { ValidatingAdmissionPolicy } from './validating-admission-policy.ts'

const policy = (spec: object, resources: string[] = ['deployments']) =>
  ({
    metadata: { name: 'p' },
    spec: {
      matchConstraints: { resourceRules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['*'], resources }] },
      ...spec,
    },
    status: {},
  }) as unknown as ValidatingAdmissionPolicy

const told = (expression: string, more: object = {}, resources?: string[]) =>
  typeWarnings(policy({ validations: [{ expression }], ...more }, resources), kinds).map(({ warning }) => warning)

test('what fits the types is not told', () => {
  const fits = [
    'object.spec.replicas > 1 && oldObject.spec.replicas > 0',
    'object.spec.template.spec.containers.all(c, c.image.startsWith("x") && !has(c.securityContext))',
    'object.metadata.creationTimestamp < timestamp("2020-01-01T00:00:00Z")',
    'object.metadata.labels["app"] == object.spec.selector.matchLabels.app',
    'object.spec.template.spec.containers.all(c, quantity(c.resources.limits["cpu"]).isLessThan(quantity("2")))',
    'object.spec.strategy.rollingUpdate.maxSurge == "25%" || object.spec.strategy.rollingUpdate.maxSurge == 1',
    'authorizer.requestResource.check("get").allowed() || request.operation == "CREATE"',
  ]
  for (const expression of fits) assert.deepEqual(told(expression), [], expression)
})

test('what does not fit is told for every type, in order', () => {
  const fault = "ERROR: <input>:1:12: undefined field 'replica'\n | object.spec.replica > 1\n | ...........^"
  const expression = 'object.spec.replica > 1'
  const [only] = told(expression, {}, ['statefulsets', 'deployments', 'daemonsets/status', '*'])
  assert.equal(only, `apps/v1, Kind=Deployment: ${fault}\n\napps/v1, Kind=StatefulSet: ${fault}\n`)
  const warnings = typeWarnings(
    policy({ validations: [{ expression: 'true', messageExpression: 'object.kind + object.metadata.generation' }] }),
    kinds,
  )
  assert.deepEqual(
    warnings.map(({ fieldRef }) => fieldRef),
    ['spec.validations[0].messageExpression'],
  )
})

test('variables and parameters have types', () => {
  const variables = [{ name: 'count', expression: 'object.spec.replicas' }]
  assert.deepEqual(told('variables.count > 1', { variables }), [])
  assert.match(
    told('variables.count == "x"', { variables })[0]!,
    /found no matching overload for '_==_' applied to '\(int, string\)'/,
  )
  const paramKind = { apiVersion: 'v1', kind: 'ConfigMap' }
  assert.deepEqual(told('params.data.max == "1"', { paramKind }), [])
  assert.match(told('params.spec.max == 1', { paramKind })[0]!, /undefined field 'spec'/)
})

test('rules for everything cannot be checked', () => {
  assert.deepEqual(told('object.nonsense', {}, ['*']), [])
})
