import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authorizerType, compile, createAuthorizer } from '../../../cel/index.ts'
import type { Attributes, Decision } from '../../authz/authz.ts'
import { RequestAuthorizer } from './authorizer.ts'
import { patiently } from './pending.ts'

const user = { name: 'somebody', groups: [] }

const evaluate = (source: string, authorizer: RequestAuthorizer) => {
  const program = compile(source, { variables: { authorizer: authorizerType } })
  return patiently(() => program.evaluate({ authorizer: createAuthorizer(authorizer) }).value)
}

test('what an expression asks, the authorizer is asked once, whatever it takes to answer', async () => {
  const asked: Attributes[] = []
  const decide = (attributes: Attributes): Decision => {
    asked.push(attributes)
    return { allowed: attributes.verb === 'get', reason: attributes.user.name }
  }
  const question = 'authorizer.group("apps").resource("deployments").subresource("scale").namespace("n").name("web")'
  const source = `${question}.check("get").allowed() && !${question}.check("delete").allowed()`
  for (const authorize of [decide, async (attributes: Attributes) => decide(attributes)]) {
    asked.length = 0
    const authorizer = new RequestAuthorizer({ authorize }, user)
    assert.equal(await evaluate(source, authorizer), true)
    assert.equal(await evaluate(source, authorizer), true)
    assert.deepEqual(
      asked.map(({ verb }) => verb),
      ['get', 'delete'],
    )
    const { verb: _, ...rest } = asked[0]!
    assert.deepEqual(rest, {
      user,
      namespace: 'n',
      apiGroup: 'apps',
      apiVersion: '*',
      resource: 'deployments',
      subresource: 'scale',
      name: 'web',
      isResource: true,
      path: '',
    })
  }
})

test('an expression may ask for a service account, for a path, and within selectors', async () => {
  const asked: Attributes[] = []
  const authorize = (attributes: Attributes): Decision => {
    asked.push(attributes)
    return { allowed: false, reason: '', evaluationError: 'nobody knows' }
  }
  const authorizer = new RequestAuthorizer({ authorize }, user)
  const account = 'authorizer.serviceAccount("n", "robot").group("").resource("pods")'
  const selected = `${account}.fieldSelector("spec.nodeName=a").labelSelector("app in (x)").check("list")`
  assert.equal(await evaluate(`${selected}.error()`, authorizer), 'nobody knows')
  assert.equal(await evaluate('authorizer.path("/metrics").check("get").errored()', authorizer), true)
  const [pods, metrics] = asked as [Attributes, Attributes]
  assert.deepEqual(pods.user, {
    name: 'system:serviceaccount:n:robot',
    groups: ['system:serviceaccounts', 'system:serviceaccounts:n', 'system:authenticated'],
  })
  assert.deepEqual(
    pods.fieldSelector?.map(({ field, value }) => [field, value]),
    [['spec.nodeName', 'a']],
  )
  assert.deepEqual(pods.labelSelector, [{ key: 'app', operator: 'in', values: ['x'] }])
  assert.deepEqual([metrics.isResource, metrics.path, metrics.user], [false, '/metrics', user])
})
