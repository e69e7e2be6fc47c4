import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { EtcdClient } from '../../etcd/client.ts'
import { methods } from '../../etcd/messages.ts'
import { StoreUnreachableError } from '../../store/store.ts'
import { hostWorld } from '../../world/host.ts'
import { VirtualWorld } from '../../world/virtual.ts'
import type { OutgoingRequest } from '../../world/world.ts'
import { apiServer, insistOnEtcd } from './api-server.ts'
import { ComponentFlagError, readComponentFlags } from './flags.ts'

const world = hostWorld(() => {})
const folder = await mkdtemp(join(tmpdir(), 'coracle-api-server-'))
after(() => rm(folder, { recursive: true, force: true }))

const port = 21_310
const start = (...further: string[]) => {
  const stop = Promise.withResolvers<void>()
  const flags = [
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    `--data-dir=${folder}/data`,
    `--token-auth-file=${folder}/tokens.csv`,
    '--anonymous-auth=False',
    '--service-cluster-ip-range=10.233.0.0/18',
    '--service-node-port-range=30000-30010',
    ...further,
  ]
  const ended = apiServer.run(readComponentFlags(flags, apiServer.flags), world, stop.promise)
  ended.catch(() => {})
  return {
    async stop() {
      stop.resolve()
      await ended
    },
    ended,
  }
}

async function ask(
  token: string,
  path: string,
  request: Partial<OutgoingRequest> = {},
): Promise<{ status: number; text: string }> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...request.headers }
  const url = `https://127.0.0.1:${port}${path}`
  const answer = await world.network.request({
    timeoutMs: 5000,
    tls: { skipServerVerification: true },
    ...request,
    url,
    headers,
  })
  return { status: answer.status, text: await answer.text(1 << 20) }
}

async function untilStatus(token: string, path: string, status: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if ((await ask(token, path).catch(() => undefined))?.status === status) return
    await world.clock.after(50)
  }
  assert.fail(`${path} did not answer ${status}`)
}

test('an API server without etcd keeps its own store, and reads its tokens again when they change', async () => {
  const tokens = (token: string) => world.disk.write(`${folder}/tokens.csv`, `${token},me,1,system:masters\n`)
  await tokens('first')
  const one = start()
  await untilStatus('first', '/readyz', 200)
  const map = { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'c' } }
  assert.equal(
    (await ask('first', '/api/v1/namespaces/default/configmaps', { method: 'POST', body: JSON.stringify(map) })).status,
    201,
  )
  const kubernetes = JSON.parse((await ask('first', '/api/v1/namespaces/default/services/kubernetes')).text)
  assert.equal(kubernetes.spec.clusterIP, '10.233.0.1')
  const service = {
    kind: 'Service',
    apiVersion: 'v1',
    metadata: { name: 's' },
    spec: { type: 'NodePort', ports: [{ port: 80 }] },
  }
  const made = JSON.parse(
    (await ask('first', '/api/v1/namespaces/default/services', { method: 'POST', body: JSON.stringify(service) })).text,
  )
  assert.ok(made.spec.ports[0].nodePort <= 30_010, JSON.stringify(made.spec))

  await tokens('second')
  await untilStatus('second', '/api/v1/namespaces', 200)
  assert.equal((await ask('first', '/api/v1/namespaces')).status, 401)
  // A file that cannot be read changes nothing.
  await world.disk.write(`${folder}/tokens.csv`, 'half\n')
  await world.clock.after(200)
  assert.equal((await ask('second', '/api/v1/namespaces')).status, 200)

  await one.stop()
  await tokens('second')
  const etcdPort = port + 1
  const two = start(`--etcd-listen-client-url=http://127.0.0.1:${etcdPort}`)
  await untilStatus('second', '/api/v1/namespaces/default/configmaps/c', 200)
  using etcd = new EtcdClient({ endpoints: [`http://127.0.0.1:${etcdPort}`], clock: world.clock })
  assert.equal((await etcd.read(methods.range, { key: '/registry/configmaps/default/c' })).count, 1)
  await two.stop()
})

test('what an etcd that goes away interrupts is begun again; other failures are failures', async () => {
  const virtual = new VirtualWorld()
  const { signal } = new AbortController()
  const gone = () => new StoreUnreachableError('lost the connection', false)
  const isGone = (error: unknown) => error instanceof StoreUnreachableError
  let times = 0
  const begun = async () => {
    if (++times < 3) throw gone()
    return 'served'
  }
  const served = insistOnEtcd(begun, isGone, virtual, signal)
  await virtual.advance(5_000)
  assert.equal(await served, 'served')
  const wrong = () => Promise.reject(new Error('a port is taken'))
  await assert.rejects(insistOnEtcd(wrong, isGone, virtual, signal), /a port is taken/)
  const never = () => Promise.reject(gone())
  assert.equal(await insistOnEtcd(never, isGone, virtual, AbortSignal.abort()), undefined)
})

test('what cannot work is said before anything begins', async () => {
  const wrong: readonly (readonly [string[], RegExp])[] = [
    [['--service-node-port-range=5'], /not a valid port range: 5/],
    [['--tls-cert-file=/nowhere'], /open \/nowhere: no such file or directory/],
    [['--etcd-servers=http://127.0.0.1:1'], /--service-account-signing-key-file is required/],
    [['--authorization-mode=Nobody'], /authorization-mode "Nobody" is not a valid mode/],
    [['--feature-gates=Nothing=true'], /unrecognized feature gate: Nothing/],
    [['--etcd-listen-client-url=http://10.0.0.1:2379'], /http:\/\/10\.0\.0\.1:2379 is not a loopback address/],
  ]
  for (const [flags, message] of wrong) await assert.rejects(start(...flags).ended, message, flags.join())
  assert.throws(() => readComponentFlags(['--insecure-port=8080'], apiServer.flags), ComponentFlagError)
})
