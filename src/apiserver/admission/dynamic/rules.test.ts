import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MutatingAdmissionPolicyBinding } from '../../../kinds/admissionregistration/mutating-admission-policy-binding.ts'
import { HorizontalPodAutoscaler as HorizontalPodAutoscalerV1 } from '../../../kinds/autoscaling/horizontal-pod-autoscaler-v1.ts'
import { Namespace } from '../../../kinds/core/namespace.ts'
import { Pod } from '../../../kinds/core/pod.ts'
import { kinds } from '../../../kinds/index.ts'
import { apiVersionOf, type Kind } from '../../../schema/kind.ts'
import { equivalentsOf, isExempt, matchRules } from './rules.ts'

const rule = (apiGroups: string[], apiVersions: string[], resources: string[], operations = ['*'], scope = '*') =>
  ({ apiGroups, apiVersions, resources, operations, scope }) as Parameters<typeof matchRules>[0][number]

test('which requests a rule is for', () => {
  const core = (resource: string) => rule([''], ['v1'], [resource])
  const cases: readonly [matches: boolean, rule: ReturnType<typeof rule>, kind: Kind, subresource: string][] = [
    [true, core('pods'), Pod, ''],
    [false, core('pods'), Pod, 'status'],
    [true, core('pods/status'), Pod, 'status'],
    [false, core('pods/status'), Pod, ''],
    [true, core('pods/*'), Pod, 'status'],
    [true, core('pods/*'), Pod, ''],
    [true, core('*'), Pod, ''],
    [false, core('*'), Pod, 'status'],
    [true, core('*/status'), Pod, 'status'],
    [true, core('*/*'), Pod, 'status'],
    [false, rule(['apps'], ['*'], ['pods']), Pod, ''],
    [false, rule([''], ['v2'], ['pods']), Pod, ''],
    [true, rule(['*'], ['*'], ['pods']), Pod, ''],
    [false, rule([''], ['v1'], ['pods'], ['UPDATE', 'DELETE']), Pod, ''],
    [true, rule([''], ['v1'], ['*'], ['*'], 'Namespaced'), Pod, ''],
    [false, rule([''], ['v1'], ['*'], ['*'], 'Cluster'), Pod, ''],
    [true, rule([''], ['v1'], ['*'], ['*'], 'Cluster'), Namespace, ''],
    [false, rule([''], ['v1'], ['*'], ['*'], 'Namespaced'), Namespace, ''],
  ]
  for (const [matches, given, kind, subresource] of cases) {
    const found = matchRules([given], true, { operation: 'CREATE', kind, subresource, equivalents: [] })
    assert.equal(found.length === 1, matches, `${JSON.stringify(given)} ${kind.plural}/${subresource}`)
  }
})

test('other versions of a resource are the same, in whatever group', () => {
  const names = (kind: Kind) => equivalentsOf(kind, kinds).map(apiVersionOf)
  assert.deepEqual(names(HorizontalPodAutoscalerV1), ['autoscaling/v2'])
  assert.deepEqual(names(Pod), [])
  const event = kinds.find(({ plural, group }) => plural === 'events' && group === '')!
  assert.deepEqual(names(event), ['events.k8s.io/v1'])
})

test('rules for the version of the request count first', () => {
  const situation = {
    operation: 'CREATE',
    kind: HorizontalPodAutoscalerV1 as Kind,
    subresource: '',
    equivalents: equivalentsOf(HorizontalPodAutoscalerV1, kinds),
  }
  const rules = [rule(['autoscaling'], ['v2'], ['*']), rule(['autoscaling'], ['v1'], ['*'])]
  const versions = (isExact: boolean) => matchRules(rules, isExact, situation).map(({ version }) => version.version)
  assert.deepEqual(versions(false), ['v1', 'v2'])
  assert.deepEqual(versions(true), ['v1'])
})

test('what configures admission is exempt', () => {
  assert.ok(isExempt(MutatingAdmissionPolicyBinding))
  const others = kinds.filter((kind) => kind.group !== 'admissionregistration.k8s.io')
  assert.ok(!others.some(isExempt))
  assert.ok(kinds.filter((kind) => kind.group === 'admissionregistration.k8s.io').every(isExempt))
})
