import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BadPathError, readRequestInfo } from './request-info.ts'

type Expected = readonly [
  verb: string,
  group: string,
  namespace: string,
  resource: string,
  subresource: string,
  name: string,
]

const requests: Readonly<Record<string, Expected>> = {
  'GET /api/v1/pods': ['list', '', '', 'pods', '', ''],
  'GET /api/v1/namespaces/a/pods': ['list', '', 'a', 'pods', '', ''],
  'GET /api/v1/namespaces/a/pods/p': ['get', '', 'a', 'pods', '', 'p'],
  'GET /api/v1/namespaces/a/pods/p/log': ['get', '', 'a', 'pods', 'log', 'p'],
  'POST /api/v1/namespaces/a/pods': ['create', '', 'a', 'pods', '', ''],
  'DELETE /api/v1/namespaces/a/pods': ['deletecollection', '', 'a', 'pods', '', ''],
  'DELETE /api/v1/namespaces/a/pods/p': ['delete', '', 'a', 'pods', '', 'p'],
  'GET /api/v1/namespaces': ['list', '', '', 'namespaces', '', ''],
  'GET /api/v1/namespaces/a': ['get', '', 'a', 'namespaces', '', 'a'],
  'PUT /api/v1/namespaces/a/finalize': ['update', '', 'a', 'namespaces', 'finalize', 'a'],
  'PATCH /apis/apps/v1/namespaces/a/deployments/d/scale': ['patch', 'apps', 'a', 'deployments', 'scale', 'd'],
  'GET /api/v1/pods?watch': ['watch', '', '', 'pods', '', ''],
  'GET /api/v1/pods?watch=1': ['watch', '', '', 'pods', '', ''],
  'GET /api/v1/pods?watch=false': ['list', '', '', 'pods', '', ''],
  'GET /api/v1/namespaces/a/pods/p?watch=true': ['get', '', 'a', 'pods', '', 'p'],
  'GET /api/v1/watch/namespaces/a/pods/p': ['watch', '', 'a', 'pods', '', 'p'],
  'GET /api/v1/pods?fieldSelector=metadata.name%3Dp': ['list', '', '', 'pods', '', 'p'],
  'GET /api/v1/pods?fieldSelector=metadata.name%3D..': ['list', '', '', 'pods', '', ''],
  'GET /api/v1/nodes/a%20b': ['get', '', '', 'nodes', '', 'a b'],
  'HEAD /api/v1/nodes/n': ['get', '', '', 'nodes', '', 'n'],
  'OPTIONS /api/v1/nodes/n': ['', '', '', 'nodes', '', 'n'],
}

for (const [line, expected] of Object.entries(requests)) {
  test(`a request is understood: ${line}`, () => {
    const [method = '', url = ''] = line.split(' ')
    const info = readRequestInfo(method, url)
    const { verb, group, namespace, resource, subresource, name } = info
    assert.deepEqual([verb, group, namespace, resource, subresource, name], expected)
    assert.equal(info.isResource, true)
  })
}

for (const url of ['/', '/healthz/ping', '/api', '/api/v1', '/apis/apps/v1', '/apis/apps/v1/', '/version']) {
  test(`${url} is no resource`, () => {
    const info = readRequestInfo('GET', url)
    assert.deepEqual([info.isResource, info.verb, info.path], [false, 'get', url])
  })
}

test('paths that cannot be read are refused', () => {
  for (const url of ['/api/v1/nodes/%zz', '/api/v1/watch'])
    assert.throws(() => readRequestInfo('GET', url), BadPathError)
})

test('what stands behind a sub-resource is kept for proxies', () => {
  assert.equal(readRequestInfo('GET', '/api/v1/nodes/n/proxy/a/b').rest, 'a/b')
})
