import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../src/kinds/core/secret.ts'
import { ServiceAccount } from '../src/kinds/core/service-account.ts'
import { createAuthority } from '../src/lifecycle/pki.ts'
import { realWorld } from '../src/world/real.ts'
import { accessCluster } from './support/access.ts'

const namespace = 'default'
const text = (base64: string | undefined) => Buffer.from(base64 ?? '', 'base64').toString('utf8')

test('a secret for the token of a service account is filled, and its bearer let in until one of the two goes', async () => {
  const { certificate, key } = createAuthority('kubernetes', realWorld())
  const options = { nodes: 0, certificateAuthority: certificate, certificateAuthorityKey: key }
  await using access = await accessCluster({}, {}, options)
  const { client } = access.cluster
  const read = (name: string) => client.get(Secret, { namespace, name })
  const make = async (name: string, account: string) => {
    const annotations = { 'kubernetes.io/service-account.name': account }
    const type = 'kubernetes.io/service-account-token'
    await client.create(Secret, { metadata: { name, namespace, annotations }, type })
    await access.cluster.settle()
  }
  const { metadata } = await client.create(ServiceAccount, { metadata: { name: 'robot', namespace } })
  await make('first', 'robot')
  await make('second', 'robot')
  const first = await read('first')
  assert.equal(first.metadata.annotations?.['kubernetes.io/service-account.uid'], metadata.uid)
  assert.equal(text(first.data?.['ca.crt']), certificate)
  assert.equal(text(first.data?.['namespace']), namespace)
  const token = text(first.data?.['token'])
  const robot = `system:serviceaccount:default:robot/${metadata.uid} [system:serviceaccounts system:serviceaccounts:default system:authenticated]`
  assert.equal(await access.whoAmI(token), robot)

  // On which day it was last used stands on the secret.
  const lastUsed = async () => (await read('first')).metadata.labels?.['kubernetes.io/legacy-token-last-used']
  const today = () => new Date(access.world.clock.now()).toISOString().slice(0, 10)
  const dayMs = 24 * 3_600_000
  const firstDay = today()
  assert.equal(await lastUsed(), firstDay)
  assert.equal((await read('second')).metadata.labels, undefined)
  await access.world.advance(2 * dayMs)
  assert.equal(await lastUsed(), firstDay)
  assert.equal(await access.whoAmI(token), robot)
  await access.cluster.settle()
  assert.equal(await lastUsed(), today())
  assert.notEqual(today(), firstDay)

  // Whoever takes the token out gets another; what somebody else has put in stays.
  const data = { data: { token: null, more: 'eA==' } }
  await client.patch(Secret, { namespace, name: 'first' }, { type: 'merge', body: data })
  await access.cluster.settle()
  assert.deepEqual(Object.keys((await read('first')).data ?? {}).sort(), ['ca.crt', 'more', 'namespace', 'token'])

  const second = text((await read('second')).data?.['token'])
  assert.equal(await access.whoAmI(second), robot)
  await client.delete(Secret, { namespace, name: 'second' })
  await access.world.advance(11_000)
  assert.equal(await access.whoAmI(second), '401 Unauthorized')

  await client.delete(ServiceAccount, { namespace, name: 'robot' })
  await access.cluster.settle()
  await assert.rejects(read('first'), /not found/)
  await make('third', 'nobody')
  await assert.rejects(read('third'), /not found/)
})
