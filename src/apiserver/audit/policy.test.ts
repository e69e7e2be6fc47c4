import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readRequestInfo } from '../request-info.ts'
import { AuditPolicyError, decide, readAuditPolicy } from './policy.ts'

const policy = (rules: string) => readAuditPolicy(`apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n${rules}`)
const jane = { name: 'jane', groups: ['sailors', 'system:authenticated'] }

describe('the first rule that fits decides', () => {
  const table: readonly (readonly [rule: string, method: string, url: string, fits: boolean])[] = [
    ['', 'GET', '/healthz', true],
    ['users: [jane]', 'GET', '/api/v1/pods', true],
    ['users: [joe]', 'GET', '/api/v1/pods', false],
    ['userGroups: [sailors]', 'GET', '/api/v1/pods', true],
    ['userGroups: [cooks]', 'GET', '/api/v1/pods', false],
    ['verbs: [list]', 'GET', '/api/v1/pods', true],
    ['verbs: [get]', 'GET', '/api/v1/pods', false],
    ['namespaces: [sea]', 'GET', '/api/v1/namespaces/sea/pods', true],
    ['namespaces: [sea]', 'GET', '/api/v1/namespaces/land/pods', false],
    ['namespaces: [""]', 'GET', '/api/v1/nodes', true],
    ['namespaces: [sea]', 'GET', '/healthz', false],
    ['resources: [{group: ""}]', 'GET', '/api/v1/pods', true],
    ['resources: [{group: apps}]', 'GET', '/api/v1/pods', false],
    ['resources: [{group: "", resources: [pods]}]', 'GET', '/api/v1/namespaces/a/pods/p', true],
    ['resources: [{group: "", resources: [pods]}]', 'GET', '/api/v1/namespaces/a/pods/p/log', false],
    ['resources: [{group: "", resources: [pods/log]}]', 'GET', '/api/v1/namespaces/a/pods/p/log', true],
    ['resources: [{group: "", resources: [pods/*]}]', 'GET', '/api/v1/namespaces/a/pods/p/log', true],
    ['resources: [{group: "", resources: ["*/log"]}]', 'GET', '/api/v1/namespaces/a/pods/p/log', true],
    ['resources: [{group: "", resources: ["*"]}]', 'GET', '/api/v1/namespaces/a/pods/p/log', true],
    ['resources: [{group: "", resources: [pods], resourceNames: [p]}]', 'GET', '/api/v1/namespaces/a/pods/p', true],
    ['resources: [{group: "", resources: [pods], resourceNames: [q]}]', 'GET', '/api/v1/namespaces/a/pods/p', false],
    ['nonResourceURLs: [/healthz*]', 'GET', '/healthz/etcd', true],
    ['nonResourceURLs: [/healthz]', 'GET', '/healthz/etcd', false],
    ['nonResourceURLs: ["*"]', 'GET', '/api/v1/pods', false],
  ]
  for (const [rule, method, url, fits] of table) {
    test(`${rule || 'no condition'}: ${url}`, () => {
      const { level } = decide(policy(` - {level: Metadata, ${rule}}`), jane, readRequestInfo(method, url))
      assert.equal(level, fits ? 'Metadata' : 'None')
    })
  }

  test('what later rules say does not count, and stages add up', () => {
    const both = policy(
      ` - {level: None, verbs: [list]}\n - {level: Request, omitStages: [Panic]}\nomitStages: [RequestReceived]`,
    )
    assert.equal(decide(both, jane, readRequestInfo('GET', '/api/v1/pods')).level, 'None')
    const { level, omitStages } = decide(both, jane, readRequestInfo('POST', '/api/v1/namespaces/a/pods'))
    assert.deepEqual([level, [...omitStages]], ['Request', ['RequestReceived', 'Panic']])
  })
})

describe('a policy that cannot be used', () => {
  const table: Readonly<Record<string, RegExp>> = {
    '': /it holds no Policy/,
    'a: [': /^failed decoding: /,
    'apiVersion: v1\nkind: Policy': /unknown group version field "v1"/,
    'apiVersion: audit.k8s.io/v1\nkind: Policy': /loaded illegal policy with 0 rules/,
    'apiVersion: audit.k8s.io/v1\nkind: Policy\nrule: []': /unknown field "rule"/,
    'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{}]': /rules\[0\]\.level: Required value/,
    'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: All}]':
      /rules\[0\]\.level: Unsupported value: "All": supported values: "None", "Metadata", "Request", "RequestResponse"/,
    'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None, omitStages: [End]}]':
      /rules\[0\]\.omitStages\[0\]/,
    'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None, namespaces: [a], nonResourceURLs: [/a]}]':
      /rules cannot apply to both regular resources and non-resource URLs/,
    'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None, nonResourceURLs: [a, /a*b]}]':
      /must begin with a '\/' character; .*must be the final character/,
    'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None, resources: [{resourceNames: [a]}]}]':
      /using resourceNames requires at least one resource/,
  }
  for (const [text, message] of Object.entries(table)) {
    test(JSON.stringify(text.split('\n').at(-1)), () => {
      assert.throws(
        () => readAuditPolicy(text),
        (error) => error instanceof AuditPolicyError && message.test(error.message),
      )
    })
  }
})
