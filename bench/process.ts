import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { imageOf, nodeFlags } from '../tools/node-flags.ts'
import { Api } from './api.ts'

export const root = join(import.meta.dirname, '..')
/** On the disk that the checkout is on: temporary folders lie in memory on some machines, where syncing is free. */
const scratch = join(root, '.cache/bench')
const token = 'bench-token'
/** Of a user who may do nothing unless a binding says so, and who waits in line like everybody. */
export const plainToken = 'plain-token'
export const plainUser = 'plain'
/** With which `./coracle` starts it on a machine of more than 8 GiB. */
const flagsOfUsers = [
  ...nodeFlags,
  `--max-old-space-size=${Math.floor(totalmem() / 2 ** 21)}`,
  `--v8-pool-size=${Math.min(Math.max(cpus().length - 1, 1), 4)}`,
]

export interface StartOptions {
  readonly nodes: number
  /** Absent: a new one, which goes with the process. */
  readonly dataDir?: string
  readonly ephemeral?: boolean
  readonly apiOnly?: boolean
  /** Further flags of `up`. */
  readonly flags?: readonly string[]
  /** Further flags of Node.js; those that BENCH_NODE_FLAGS has come first. */
  readonly nodeFlags?: readonly string[]
}

/** A served cluster in a process of its own, as users run it. */
export interface ServedProcess extends AsyncDisposable {
  readonly api: Api
  readonly pid: number
  /** From the start of the process until the API said that all nodes are ready. */
  readonly readyMs: number
  memoryMiB(): number
  /** Processor time of all its threads together, since it began. */
  processorMs(): number
  /** The same of the thread that runs all JavaScript but for helpers. */
  mainThreadMs(): number
}

/** Builds the program in a place of its own, so that nobody's build changes what is being measured; gives its bundle. */
export async function build(): Promise<string> {
  const bundle = join(scratch, 'coracle.mjs')
  await mkdir(scratch, { recursive: true })
  execFileSync(process.execPath, [join(root, 'tools/build.ts'), bundle], { stdio: 'inherit' })
  return bundle
}

/**
 * Starts the bundle's `up` and resolves when its nodes are ready, as the API says. Throws when it ends before. Further
 * authorities that the machine may want Node.js to trust are left out: to read a hundred of them takes longer than all
 * else that concerns certificates.
 */
export async function serve(bundle: string, options: StartOptions): Promise<ServedProcess> {
  await mkdir(scratch, { recursive: true })
  const directory = await mkdtemp(join(scratch, 'run-'))
  const port = await freePort()
  const tokens = join(directory, 'tokens.csv')
  await writeFile(tokens, `${token},bench,bench,"system:masters"\n${plainToken},${plainUser},${plainUser}\n`)
  const place = options.ephemeral ? ['--ephemeral'] : ['--data-dir', options.dataDir ?? join(directory, 'data')]
  const flags = ['--port', String(port), '--nodes', String(options.nodes), '--token-auth-file', tokens]
  const kubeconfig = ['--kubeconfig', join(directory, 'kubeconfig')]
  const mode = options.apiOnly ? ['--api-only'] : []
  const nodeFlags = [...flagsOf(process.env['BENCH_NODE_FLAGS']), ...(options.nodeFlags ?? [])]
  const image = imageOf(bundle, 'up')
  const program = existsSync(image) ? ['--snapshot-blob', image, bundle] : [bundle]
  const args = [...flagsOfUsers, ...nodeFlags, ...program, 'up', ...place, ...flags, ...kubeconfig]
  const startedMs = performance.now()
  const child = spawn(process.execPath, [...args, ...mode, ...(options.flags ?? [])], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, NODE_EXTRA_CA_CERTS: undefined },
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const url = `https://127.0.0.1:${port}`
  await untilReady(url, options.apiOnly ? 0 : options.nodes, child, () => said)
  const readyMs = performance.now() - startedMs
  const api = await Api.connect(url, token)
  const pid = child.pid!
  return {
    api,
    pid,
    readyMs,
    memoryMiB: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024,
    processorMs: () => processorMs(`/proc/${pid}/stat`),
    mainThreadMs: () => processorMs(`/proc/${pid}/task/${pid}/stat`),
    async [Symbol.asyncDispose]() {
      api.close()
      await stopped(child)
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** What stands in a text with spaces between. */
export function flagsOf(text = ''): string[] {
  return text.split(' ').filter((flag) => flag !== '')
}

/** A folder that goes at the end of the block. */
export async function scratchFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  await mkdir(scratch, { recursive: true })
  const path = await mkdtemp(join(scratch, 'data-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/**
 * Knocks until somebody opens, and asks then, on a single connection: each attempt at TLS takes from the processor that the
 * program starts on.
 */
async function untilReady(url: string, nodes: number, child: ChildProcess, said: () => string): Promise<void> {
  while (!(await isListening(Number(new URL(url).port)))) {
    if (child.exitCode !== null) throw new Error(`coracle up ended: ${said()}`)
    await sleep(2)
  }
  const api = await Api.connect(url, token, 1)
  // A list of thousands of nodes is work that must not count as theirs: it is asked for when the last of them is there.
  while (nodes > 0 && (await api.request('GET', `/api/v1/nodes/node-${nodes}`)).status !== 200) await sleep(2)
  while (!(await nodesAreReady(api, nodes))) await sleep(2)
  api.close()
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

interface NodeList {
  readonly items: readonly { readonly status: { readonly conditions?: readonly { type: string; status: string }[] } }[]
}

async function nodesAreReady(api: Api, count: number): Promise<boolean> {
  const answer = await api.request('GET', '/api/v1/nodes')
  if (answer.status !== 200) return false
  const { items } = JSON.parse(answer.text) as NodeList
  const isReady = (item: NodeList['items'][number]) =>
    item.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
  return items.filter(isReady).length >= count
}

/** The kernel counts hundredths of a second. */
function processorMs(file: string): number {
  const fields = readFileSync(file, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

function stopped(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
