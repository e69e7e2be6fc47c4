import { execFile, execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
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

/** Sends them all. Rejects when one is refused, and where h2load is missing and cannot be installed. */
export async function load(api: Api, { method, paths, count, body, contentType = 'application/json' }: Load) {
  ensureInstalled()
  await using folder = await scratchFolder()
  const addresses = join(folder.path, 'addresses')
  await writeFile(addresses, paths.map((path) => `${api.url}${path}\n`).join(''))
  const headers = { ':method': method, ...api.headers, ...(body && { 'content-type': contentType }) }
  const flags = Object.entries(headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`])
  if (body !== undefined) {
    const file = join(folder.path, 'body')
    await writeFile(file, JSON.stringify(body))
    flags.push('--data', file)
  }
  const shape = ['--requests', count, '--clients', connections, '--max-concurrent-streams', width / connections]
  const { stdout } = await run('h2load', [...shape.map(String), ...flags, '--input-file', addresses])
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
