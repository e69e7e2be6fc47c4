import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { eventually } from '../../../test/support/caller.ts'
import { freePort } from '../../../test/support/etcd.ts'
import { clientOf, quietWorld, serve } from '../../../test/support/served.ts'
import { Metrics } from '../../base/metrics.ts'
import { createAuthority, issueCertificate, type KeyPair } from '../../lifecycle/pki.ts'
import { componentServerFlags, startComponentServer } from './component-server.ts'
import { readComponentFlags } from './flags.ts'

const served = await serve()
const folder = await mkdtemp(join(tmpdir(), 'coracle-component-'))
after(async () => {
  await served[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

/** A component that asks the cluster who may see its metrics, and what a GET of them answers. */
async function component(...argv: readonly string[]) {
  const stop = new AbortController()
  const client = clientOf(served)
  const port = await freePort()
  const flags = readComponentFlags(
    [`--secure-port=${port}`, '--bind-address=127.0.0.1', ...argv],
    componentServerFlags(0),
  )
  const metrics = new Metrics()
  metrics.counter('boats', 'Boats.').of().value = 7
  const server = await startComponentServer({ flags, world: quietWorld, client, metrics, signal: stop.signal })
  return {
    get: (path: string, pair?: KeyPair) =>
      new Promise<string>((resolve, reject) => {
        const credential = pair && { cert: pair.certificate, key: pair.key }
        const asking = request({
          host: '127.0.0.1',
          port,
          path,
          rejectUnauthorized: false,
          agent: false,
          ...credential,
        })
        asking.on('error', reject)
        asking.on('response', async (response) => {
          let text = ''
          for await (const chunk of response.setEncoding('utf8')) text += chunk
          resolve(`${response.statusCode} ${text.trim().split('\n').at(-1)}`)
        })
        asking.end()
      }),
    async [Symbol.asyncDispose]() {
      stop.abort()
      await server?.close(0)
      await client[Symbol.asyncDispose]()
    },
  }
}

const admin: KeyPair = { certificate: served.admin.clientCertificate!, key: served.admin.clientKey! }
const authority = createAuthority('strangers', quietWorld)
const person = (commonName: string, organizations: readonly string[] = []) =>
  issueCertificate(authority, { commonName, organizations, usages: ['client'] }, quietWorld)
const refused = (user: string) => `403 forbidden: User "${user}" cannot get path "/metrics"`

test('metrics are for those whom the API server lets, by the certificates that it believes itself', async () => {
  await using scheduler = await component()
  assert.equal(await scheduler.get('/healthz'), '200 ok')
  assert.equal(await scheduler.get('/metrics'), refused('system:anonymous'))
  await eventually(async () => (await scheduler.get('/metrics', admin)) === '200 boats 7' || undefined)
  // Who signed it is not known to the API server.
  assert.equal(await scheduler.get('/metrics', person('root', ['system:masters'])), refused('system:anonymous'))
})

test('an authority that a flag names counts instead', async () => {
  const file = join(folder, 'ca.crt')
  await writeFile(file, authority.certificate)
  await using scheduler = await component(`--client-ca-file=${file}`)
  assert.equal(await scheduler.get('/metrics', person('root', ['system:masters'])), '200 boats 7')
  assert.equal(await scheduler.get('/metrics', person('ann')), refused('ann'))
  assert.equal(await scheduler.get('/metrics', admin), refused('system:anonymous'))
})
