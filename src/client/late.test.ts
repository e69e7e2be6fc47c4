import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Client } from './client.ts'
import { LateClient } from './late.ts'

test('a document is asked for in the form that the caller wants', async () => {
  const asked: unknown[] = []
  const client = {
    async read(...what: unknown[]) {
      asked.push(what)
      return {}
    },
  } as unknown as Client
  const late = new LateClient(
    async () => client,
    () => client,
  )
  await late.read('/apis', 'application/json;as=APIGroupDiscoveryList')
  assert.deepEqual(asked, [['/apis', 'application/json;as=APIGroupDiscoveryList']])
})
