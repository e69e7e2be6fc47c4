import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PodSpec } from '../../../kinds/core/pod-spec.ts'
import { FieldErrors } from '../../../schema/field-errors.ts'
import { type Policy, violations } from './checks.ts'
import { faultsOfLabels, policyOf } from './labels.ts'

const baseline: Policy = { level: 'baseline', version: 'latest' }
const restricted: Policy = { level: 'restricted', version: 'latest' }

const pod = (spec: object): PodSpec => ({ containers: [{ name: 'c', image: 'i' }], ...spec }) as unknown as PodSpec
const container = (securityContext: object) => pod({ containers: [{ name: 'c', image: 'i', securityContext }] })
const told = (spec: PodSpec, policy: Policy) =>
  violations(spec, policy).map(({ reason, detail }) => `${reason} (${detail})`)

/** A pod that asks for nothing but gives up everything. */
const modest = {
  containers: [
    { name: 'c', image: 'i', securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } },
  ],
  securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
}

test('the baseline refuses the known ways to the node, each with who goes it', () => {
  const cases: readonly [spec: PodSpec, wanted: string][] = [
    [pod({ hostNetwork: true, hostIPC: true }), 'host namespaces (hostNetwork=true, hostIPC=true)'],
    [container({ privileged: true }), 'privileged (container "c" must not set securityContext.privileged=true)'],
    [pod({ volumes: [{ name: 'v', hostPath: { path: '/' } }] }), 'hostPath volumes (volume "v")'],
    [
      container({ capabilities: { add: ['SYS_ADMIN', 'CHOWN', 'NET_ADMIN'] } }),
      'non-default capabilities (container "c" must not include "NET_ADMIN", "SYS_ADMIN" in securityContext.capabilities.add)',
    ],
    [
      pod({ securityContext: { seLinuxOptions: { type: 'custom', user: 'u' } } }),
      'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "custom"; user may not be set)',
    ],
    [
      pod({ securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } }),
      'forbidden sysctls (kernel.msgmax)',
    ],
    [
      container({ procMount: 'Unmasked' }),
      'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
    ],
  ]
  for (const [spec, wanted] of cases) assert.deepEqual(told(spec, baseline), [wanted])
  assert.deepEqual(told(pod({}), baseline), [])
})

test('a restricted pod must have given up every right', () => {
  assert.deepEqual(told(pod(modest), restricted), [])
  assert.deepEqual(
    violations(pod({}), restricted).map(({ reason }) => reason),
    ['allowPrivilegeEscalation != false', 'unrestricted capabilities', 'runAsNonRoot != true', 'seccompProfile'],
  )
})

test('a restricted rule stands in for the baseline rule that it contains', () => {
  const reasons = violations(pod({ ...modest, volumes: [{ name: 'v', hostPath: { path: '/' } }] }), restricted)
  assert.deepEqual(reasons, [
    { reason: 'restricted volume types', detail: 'volume "v" uses restricted volume type "hostPath"' },
  ])
})

test('a namespace may stay with the rules of an older version', () => {
  const reasons = (version: number) => violations(pod({}), { level: 'restricted', version }).map(({ reason }) => reason)
  assert.deepEqual(reasons(20), ['allowPrivilegeEscalation != false', 'runAsNonRoot != true', 'seccompProfile'])
  assert.deepEqual(reasons(7), ['runAsNonRoot != true'])
})

test('in a user namespace of its own a pod may be root', () => {
  const spec = pod({ ...modest, hostUsers: false, securityContext: { seccompProfile: { type: 'RuntimeDefault' } } })
  assert.deepEqual(told(spec, restricted), [])
})

test('labels say the policy; wrong ones are refused, and meanwhile taken as the strictest', () => {
  const label = (mode: string, value: string) => ({ [`pod-security.kubernetes.io/${mode}`]: value })
  assert.deepEqual(policyOf({}, 'enforce'), { level: 'privileged', version: 'latest' })
  assert.deepEqual(policyOf({ ...label('warn', 'baseline'), ...label('warn-version', 'v1.30') }, 'warn'), {
    level: 'baseline',
    version: 30,
  })
  assert.equal(policyOf(label('enforce', 'bogus'), 'enforce').level, 'restricted')
  const errors = new FieldErrors()
  faultsOfLabels({ ...label('enforce', 'bogus'), ...label('audit-version', '1.2') }, errors)
  assert.deepEqual(
    errors.causes.map(({ message }) => message),
    [
      'Invalid value: "bogus": must be one of privileged, baseline, restricted',
      'Invalid value: "1.2": must be "latest" or "v1.x"',
    ],
  )
})
