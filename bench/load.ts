import { execFile, execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Api, connections, width } from './api.ts'
import { scratchFolder } from './process.ts'

/**
 * Requests as h2load sends them (nghttp2's): a client that we have not written, and that takes next to nothing of the
 * processor which it shares with the server. It sends the same to each address in turn.
 */
export interface Load {
  readonly method: string
  readonly paths: readonly string[]
  readonly count: number
  readonly body?: object
  readonly contentType?: string
}

/**
 * Sends them all: to each address as often, in the order in which they stand. Rejects when one is refused, and where
 * h2load is missing and cannot be installed.
 */
export async function load(api: Api, asked: Load): Promise<void> {
  ensureInstalled()
  // Each client of h2load goes through all addresses by itself: so each of our connections gets a share of its own.
  const shares = Array.from({ length: connections }, (_, connection) => shareOf(asked, connection))
  await using folder = await scratchFolder()
  await Promise.all(shares.map((share, connection) => send(api, share, join(folder.path, String(connection)))))
}

const widthOfEach = width / connections

function shareOf({ paths, count, ...rest }: Load, connection: number): Load {
  const isOwn = (_: unknown, at: number) => at % connections === connection
  const own = paths.length === 1 ? paths : paths.filter(isOwn)
  return { ...rest, paths: own, count: Math.floor((count + connections - 1 - connection) / connections) }
}

/** Sends it so often, one after the other, and gives how many milliseconds each took until its body was read. */
export async function timesOneByOne(api: Api, path: string, count: number): Promise<number[]> {
  ensureInstalled()
  await using folder = await scratchFolder()
  const file = join(folder.path, 'times')
  await send(api, { method: 'GET', paths: [path], count }, join(folder.path, 'list'), 1, ['--log-file', file])
  // The columns are the start, the status, and the microseconds until the end.
  const lines = (await readFile(file, 'utf8')).trim().split('\n')
  return lines.map((line) => Number(line.split('\t')[2]) / 1000)
}

/** On one connection. */
async function send(
  api: Api,
  { method, paths, count, body, contentType = 'application/json' }: Load,
  file: string,
  width = widthOfEach,
  more: readonly string[] = [],
): Promise<void> {
  const addresses = `${file}-addresses`
  await writeFile(addresses, paths.map((path) => `${api.url}${path}\n`).join(''))
  const headers = { ':method': method, ...api.headers, ...(body && { 'content-type': contentType }) }
  const flags = Object.entries(headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`])
  if (body !== undefined) {
    await writeFile(`${file}-body`, JSON.stringify(body))
    flags.push('--data', `${file}-body`)
  }
  const shape = ['--requests', count, '--clients', 1, '--max-concurrent-streams', width]
  const { stdout } = await run('h2load', [...shape.map(String), ...flags, ...more, '--input-file', addresses])
  const answered = Number(/^status codes: (\d+) 2xx/m.exec(stdout)?.[1])
  if (answered !== count) throw new Error(`${method} ${paths[0]}: ${answered} of ${count} were answered:\n${stdout}`)
}

const run = promisify(execFile)

function ensureInstalled(): void {
  const isThere = () => execFileSync('h2load', ['--version'], { stdio: 'ignore' })
  try {
    isThere()
  } catch {
    try {
      execFileSync('apt-get', ['install', '-y', '-q', 'nghttp2-client'], { stdio: 'ignore' })
      isThere()
    } catch (cause) {
      throw new Error('h2load is missing: install it (Debian: apt-get install nghttp2-client)', { cause })
    }
  }
}
