/** Starts real etcds for tests, of the program that is on the search path (see etcds.ts), on free loopback ports. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { missingProgram } from './etcds.ts'

/** Why tests against etcd are skipped; undefined: they run. In CI a missing etcd is a failure. */
export const etcdMissing = (): string | undefined => missingProgram('etcd')

export interface Etcd extends AsyncDisposable {
  readonly endpoint: string
  /** Kills it as a power cut would, and starts it again at the same address with the same data. */
  restart(): Promise<void>
}

export interface EtcdTlsFiles {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** With `tls` (paths of PEM files) clients must show a certificate of `ca`. */
export async function startEtcd(
  tls?: EtcdTlsFiles,
  /** Makes the data directory, which is not there yet, before the etcd is started on it. */
  prepare?: (directory: string) => Promise<unknown>,
): Promise<Etcd> {
  const home = await mkdtemp(join(tmpdir(), 'coracle-etcd-'))
  const directory = join(home, 'data')
  await prepare?.(directory)
  const [client, peer] = [await freePort(), await freePort()]
  const endpoint = `${tls ? 'https' : 'http'}://127.0.0.1:${client}`
  const peerUrl = `http://127.0.0.1:${peer}`
  const metrics = `http://127.0.0.1:${await freePort()}`
  const start = () => launch(directory, endpoint, peerUrl, metrics, tls)
  let process = await start()
  return {
    endpoint,
    async restart() {
      await kill(process)
      process = await start()
    },
    async [Symbol.asyncDispose]() {
      await kill(process)
      await rm(home, { recursive: true, force: true })
    },
  }
}

async function launch(
  directory: string,
  endpoint: string,
  peerUrl: string,
  metrics: string,
  tls?: EtcdTlsFiles,
): Promise<ChildProcess> {
  const child = spawn(
    'etcd',
    [
      ['--name', 'test', '--data-dir', directory, '--log-level', 'error', '--logger', 'zap'],
      ['--listen-client-urls', endpoint, '--advertise-client-urls', endpoint],
      ['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl, '--initial-cluster', `test=${peerUrl}`],
      ['--listen-metrics-urls', metrics],
      tls === undefined
        ? []
        : ['--cert-file', tls.cert, '--key-file', tls.key, '--trusted-ca-file', tls.ca, '--client-cert-auth'],
      // Nothing here is to survive the machine.
      ['--unsafe-no-fsync'],
    ].flat(),
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let said = ''
  child.stderr?.on('data', (text) => {
    said += text
  })
  for (let attempt = 0; attempt < 400; attempt++) {
    if (child.exitCode !== null) throw new Error(`etcd ended: ${said}`)
    if (await isHealthy(metrics)) return child
    await new Promise((done) => setTimeout(done, 25))
  }
  await kill(child)
  throw new Error(`etcd did not get healthy: ${said}`)
}

async function isHealthy(metrics: string): Promise<boolean> {
  try {
    return (await fetch(`${metrics}/health`)).ok
  } catch {
    return false
  }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((done) => child.once('exit', done))
  child.kill('SIGKILL')
  await gone
}

/** Those below the ports that the system gives to whoever connects to somebody. */
const ports = { first: 20_000, count: 10_000 }
const given = new Set<number>()

/** A port of loopback that nobody listens at, and that nobody is given by chance before it is listened at. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = ports.first + Math.floor(Math.random() * ports.count)
    if (given.has(port) || !(await isFree(port))) continue
    given.add(port)
    return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.on('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
