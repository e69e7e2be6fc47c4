import assert from 'node:assert/strict'
import { stories } from '../support/kubectl.ts'

/** Applies to the story's own namespace alone, because stories share a cluster. */
const here = (namespace: string) => `{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ${namespace}}}}`

const onDeployments = `
  matchConstraints:
    resourceRules:
    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}`

const validating = (name: string, namespace: string, action: string) => `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: ${name}}
spec:${onDeployments}
  validations:
  - expression: object.spec.replicas <= 3
    messageExpression: "'at most 3 replicas, not ' + string(object.spec.replicas)"
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: ${name}}
spec:
  policyName: ${name}
  validationActions: [${action}]
  matchResources: ${here(namespace)}
`

const mutating = (name: string, namespace: string) => `
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: ${name}}
spec:${onDeployments}
  reinvocationPolicy: Never
  mutations:
  - patchType: ApplyConfiguration
    applyConfiguration:
      expression: 'Object{metadata: Object.metadata{labels: {"team": "blue"}}}'
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: ${name}}
spec:
  policyName: ${name}
  matchResources: ${here(namespace)}
`

const webhook = (name: string, namespace: string, failurePolicy: string) => `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: ${name}}
webhooks:
- name: check.example.com
  clientConfig: {service: {namespace: ${namespace}, name: nobody}}
  rules:
  - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ${namespace}}}
  failurePolicy: ${failurePolicy}
  sideEffects: None
  admissionReviewVersions: [v1]
`

stories({
  'Policies validate, mutate, or both, and come and go without a restart [ADM-01]': async ({ kubectl, namespace }) => {
    const policy = `replicas-${namespace}-${kubectl.minor}`
    assert.equal(
      await kubectl('apply -f -', validating(policy, namespace, 'Deny')),
      `validatingadmissionpolicy.admissionregistration.k8s.io/${policy} created\n` +
        `validatingadmissionpolicybinding.admissionregistration.k8s.io/${policy} created`,
    )
    const [row] = (await kubectl.rows('get validatingadmissionpolicies')).filter(({ NAME }) => NAME === policy)
    assert.deepEqual([row?.['VALIDATIONS'], row?.['PARAMKIND']], ['1', '<unset>'])
    await kubectl('create deployment web --image=nginx')
    const who = `ValidatingAdmissionPolicy '${policy}' with binding '${policy}'`
    const said = 'at most 3 replicas, not 5'
    const refused = await kubectl.refused(`patch deployment web -p '{"spec":{"replicas":5}}'`)
    assert.equal(refused, `The deployments "web" is invalid: : ${who} denied request: ${said}`)
    await kubectl('apply -f -', validating(policy, namespace, 'Warn'))
    const { code, stderr } = await kubectl.run(`patch deployment web -p '{"spec":{"replicas":5}}'`)
    assert.deepEqual([code, stderr.trim()], [0, `Warning: Validation failed for ${who}: ${said}`])

    await kubectl('apply -f -', mutating(policy, namespace))
    await kubectl('create deployment db --image=postgres')
    assert.equal(await kubectl.read('get deployment db', '{.metadata.labels.team}'), 'blue')
    for (const resource of ['validatingadmissionpolicy', 'mutatingadmissionpolicy', 'mutatingadmissionpolicybinding'])
      await kubectl(`delete ${resource} ${policy}`)
    await kubectl('create deployment cache --image=redis')
    assert.equal(await kubectl.read('get deployment cache', '{.metadata.labels.team}'), '')
  },

  'A webhook that is not there fails requests, or is passed over, as its policy says [ADM-01]': async ({
    kubectl,
    namespace,
  }) => {
    const name = `check-${namespace}-${kubectl.minor}`
    await kubectl('apply -f -', webhook(name, namespace, 'Fail'))
    const post = `Post "https://nobody.${namespace}.svc:443/?timeout=10s": service "nobody" not found`
    assert.match(
      await kubectl.refused('create configmap a --from-literal=key=value'),
      new RegExp(
        `^(Error from server \\(InternalError\\)|error: failed to create configmap): (Internal error occurred: )?failed calling webhook "check.example.com": failed to call webhook: ${post.replace(/[?.]/g, '\\$&')}$`,
      ),
    )
    await kubectl('apply -f -', webhook(name, namespace, 'Ignore'))
    assert.equal(await kubectl('create configmap a --from-literal=key=value'), 'configmap/a created')
    await kubectl(`delete validatingwebhookconfiguration ${name}`)
  },
})
