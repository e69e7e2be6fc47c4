import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Attributes } from '../authz/authz.ts'
import type { UserInfo } from '../context.ts'
import type { ApiRequest } from '../request.ts'
import type { RequestInfo } from '../request-info.ts'
import { createImpersonation } from './impersonation.ts'

const robot: UserInfo = { name: 'robot', groups: ['system:authenticated'] }
const info = { verb: 'list', group: '', version: 'v1', resource: 'pods', namespace: 'web', isResource: true }

/** Acts as somebody, being allowed to do `rights` (`verb resource name`); gives whom, or what was refused first. */
function acting(rights: readonly string[]) {
  const impersonate = createImpersonation()
  const authorize = ({ verb, resource, name, apiGroup }: Attributes) => {
    const asked = [verb, apiGroup === '' ? resource : `${apiGroup}/${resource}`, name].filter(Boolean).join(' ')
    if (!rights.includes(asked)) throw new Error(asked)
  }
  return async (headers: Record<string, string>): Promise<string> => {
    const request = { headers } as unknown as ApiRequest
    try {
      const { name, groups } = await impersonate(request, robot, authorize, info as unknown as RequestInfo)
      return [name, ...groups].join(' ')
    } catch (error) {
      return `refused: ${(error as Error).message}`
    }
  }
}

test('the old way: the verb impersonate on every part', async () => {
  const act = acting(['impersonate users bob', 'impersonate groups dev'])
  assert.equal(await act({ 'impersonate-user': 'bob', 'impersonate-group': 'dev' }), 'bob dev system:authenticated')
})

test('the way for one kind of request: the right to do it for others, and the right to act as this one', async () => {
  const act = acting([
    'impersonate-on:user-info:list pods',
    'impersonate:user-info authentication.k8s.io/users bob',
    'impersonate-on:arbitrary-node:list pods',
    'impersonate:arbitrary-node authentication.k8s.io/nodes n1',
  ])
  assert.equal(await act({ 'impersonate-user': 'bob' }), 'bob system:authenticated')
  assert.equal(await act({ 'impersonate-user': 'system:node:n1' }), 'system:node:n1 system:authenticated')
  assert.match(
    await act({ 'impersonate-user': 'bob', 'impersonate-group': 'dev' }),
    /^refused: impersonate:user-info .*groups dev/,
  )
})

test('who is refused hears of the way that last worked for them', async () => {
  const act = acting(['impersonate users bob'])
  assert.equal(await act({ 'impersonate-user': 'eve' }), 'refused: impersonate-on:user-info:list pods')
  assert.equal(await act({ 'impersonate-user': 'bob' }), 'bob system:authenticated')
  assert.equal(await act({ 'impersonate-user': 'eve' }), 'refused: impersonate users eve')
})

test('groups alone are nobody', async () => {
  assert.match(await acting([])({ 'impersonate-group': 'dev' }), /without impersonating a user name$/)
})
