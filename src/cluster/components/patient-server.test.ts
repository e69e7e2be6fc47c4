import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:net'
import { test } from 'node:test'
import { until } from '../../../test/support/until.ts'
import { realNetwork } from '../../world/network.ts'
import { VirtualWorld } from '../../world/virtual.ts'
import { ComponentFlagError } from './flags.ts'
import { PatientServer } from './patient-server.ts'

/** A server whose address somebody else has. */
async function tooLate(hardFail = false) {
  const other: Server = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as { port: number }
  const logged: string[] = []
  const world = new VirtualWorld(1, { log: (_level, message) => logged.push(message) })
  const stop = new AbortController()
  const at = { host: '127.0.0.1', port }
  const answer = (path: string) => ({ status: 200, body: `here is ${path}` })
  const options = { name: 'metrics', at, answer, hardFail }
  const server = new PatientServer(options, { ...world, network: realNetwork }, stop.signal)
  return {
    server,
    logged,
    said: `starting metrics server failed: listen EADDRINUSE: address already in use 127.0.0.1:${port}`,
    later: () => world.advance(5_000),
    get: async () => (await fetch(`http://127.0.0.1:${port}/it`)).text(),
    free: () => new Promise((resolve) => other.close(resolve)),
    async end() {
      stop.abort()
      await server.close()
      other.close()
    },
  }
}

test('an address that is taken is asked for again, and served when it is free', async () => {
  const { server, logged, said, later, get, free, end } = await tooLate()
  for (const times of [1, 2]) {
    await until(`it was tried ${times} times`, async () => logged.length === times)
    await later()
  }
  assert.deepEqual(new Set(logged), new Set([said]))
  await free()
  await until('it listens', async () => {
    await later()
    return (await get().catch(() => '')) === 'here is /it'
  })
  await server.listening
  await end()
  await assert.rejects(get())
})

test('who ends meanwhile waits for nothing', async () => {
  const { logged, end } = await tooLate()
  await until('it was tried', async () => logged.length === 1)
  await end()
})

test('without patience it is an error', async () => {
  const { server, said, end } = await tooLate(true)
  await assert.rejects(
    server.listening,
    (error: unknown) => error instanceof ComponentFlagError && error.message === said,
  )
  await end()
})
