import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ServedGroup } from '../catalogue.ts'
import { withRemotes } from './discovery.ts'
import { identityHeaders, isPassedOn } from './identity.ts'
import { mergeSpecs } from './merge-openapi.ts'
import { builtInPriority, customPriority } from './priorities.ts'
import { resourcesOf } from './remote-discovery.ts'

describe('who asks', () => {
  test('is told in headers, of which the keys of extra are escaped', () => {
    const user = {
      name: 'jane',
      uid: '7',
      groups: ['a', 'b'],
      extra: { 'authentication.kubernetes.io/pod-name': ['web'], Größe: ['1', '2'], '100%': ['x'] },
    }
    assert.deepEqual(identityHeaders(user), {
      'x-remote-user': 'jane',
      'x-remote-uid': '7',
      'x-remote-group': ['a', 'b'],
      'x-remote-extra-authentication.kubernetes.io%2Fpod-name': ['web'],
      'x-remote-extra-gr%C3%B6%C3%9Fe': ['1', '2'],
      'x-remote-extra-100%25': ['x'],
    })
    assert.deepEqual(identityHeaders({ name: 'joe', groups: [] }), { 'x-remote-user': 'joe' })
  })

  test('is nothing that a client can say', () => {
    const names = [
      'x-remote-user',
      'x-remote-extra-a',
      'impersonate-user',
      'authorization',
      'connection',
      ':path',
      'host',
    ]
    assert.deepEqual(names.filter(isPassedOn), [])
    assert.deepEqual(['accept', 'x-request-id', 'content-type'].filter(isPassedOn).length, 3)
  })
})

describe('the order of discovery', () => {
  const group = (name: string, ...versions: string[]): ServedGroup => ({
    name,
    versions: versions.map((version) => ({ version, kinds: [] })),
  })
  const own = [group('', 'v1'), group('apps', 'v1'), group('events.k8s.io', 'v1'), group('b.example.com', 'v1')]
  const remote = (name: string, version: string, groupPriority: number, versionPriority = 1) => ({
    group: name,
    version,
    resources: undefined,
    isFresh: true,
    priority: { group: groupPriority, version: versionPriority },
  })
  const order = (...remotes: ReturnType<typeof remote>[]) =>
    withRemotes(own, {
      generation: 1,
      remotes,
      priorityOf: (name, version) =>
        remotes.find((each) => each.group === name && each.version === version)?.priority ??
        builtInPriority(name, version) ??
        customPriority,
    }).map(({ name, versions }) => `${name}: ${versions.map(({ version }) => version).join(' ')}`)

  test('follows the priorities of groups, then their names', () => {
    assert.deepEqual(order(remote('c.example.com', 'v1', 1000), remote('a.example.com', 'v1', 1000)), [
      ': v1',
      'apps: v1',
      'events.k8s.io: v1',
      'a.example.com: v1',
      'b.example.com: v1',
      'c.example.com: v1',
    ])
    assert.equal(order(remote('z.example.com', 'v1', 17_775)).indexOf('z.example.com: v1'), 2)
    assert.equal(order(remote('a.example.com', 'v1', 100)).at(-1), 'a.example.com: v1')
  })

  test('follows the priorities of versions, then what is more stable', () => {
    const versions = [remote('b.example.com', 'v2', 100, 200), remote('b.example.com', 'v1alpha1', 100, 100)]
    assert.equal(order(...versions).at(-1), 'b.example.com: v2 v1 v1alpha1')
  })
})

describe('the OpenAPI document', () => {
  const own = {
    swagger: '2.0',
    paths: { '/api/v1/pods': { get: { schema: { $ref: '#/definitions/Pod' } } } },
    definitions: { Pod: { type: 'object' }, Meta: { type: 'object', description: 'ours' } },
  }

  test('takes the paths of a version and what they lead to, and nothing else', () => {
    const document = {
      paths: {
        '/apis/g.example.com/v1/ships': { get: { schema: { $ref: '#/definitions/Ship' } } },
        '/apis/g.example.com/v10/ships': { get: {} },
        '/api/v1/secrets': { get: { schema: { $ref: '#/definitions/Other' } } },
      },
      definitions: {
        Ship: { properties: { next: { $ref: '#/definitions/Ship' }, meta: { $ref: '#/definitions/Meta' } } },
        Meta: { type: 'object', description: 'theirs' },
        Pod: { type: 'object' },
        Other: {},
      },
    }
    const merged = mergeSpecs(own, [{ group: 'g.example.com', version: 'v1', document }])
    assert.deepEqual(merged, {
      swagger: '2.0',
      paths: {
        '/api/v1/pods': { get: { schema: { $ref: '#/definitions/Pod' } } },
        '/apis/g.example.com/v1/ships': { get: { schema: { $ref: '#/definitions/Ship' } } },
      },
      definitions: {
        Meta: { type: 'object', description: 'ours' },
        Meta_v2: { type: 'object', description: 'theirs' },
        Pod: { type: 'object' },
        Ship: { properties: { next: { $ref: '#/definitions/Ship' }, meta: { $ref: '#/definitions/Meta_v2' } } },
      },
    })
  })

  test('stays as it is for documents that make no sense', () => {
    for (const document of [
      undefined,
      null,
      'text',
      [],
      { paths: 7 },
      { definitions: 'none' },
      { paths: { '/x': 1 } },
    ]) {
      assert.deepEqual(mergeSpecs(own, [{ group: 'g.example.com', version: 'v1', document }]).paths, own.paths)
    }
  })
})

test('what a server lists is believed as far as it makes sense', () => {
  const of = (list: unknown) => resourcesOf(list, 'g.example.com', 'v1')
  for (const list of [undefined, null, '', [], {}, { kind: 'APIResourceList' }, { kind: 'Status', resources: [] }]) {
    assert.equal(of(list), undefined)
  }
  const resources = [null, 'x', { name: 7 }, { name: '' }, { name: 'a', verbs: 'get' }, { name: 'ok', kind: 'Ok' }]
  assert.deepEqual(of({ kind: 'APIResourceList', resources }), [
    {
      resource: 'ok',
      responseKind: { group: 'g.example.com', version: 'v1', kind: 'Ok' },
      scope: 'Cluster',
      singularResource: '',
      verbs: [],
    },
  ])
})
