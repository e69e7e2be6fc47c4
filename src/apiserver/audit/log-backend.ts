import { basename, dirname, extname, join } from 'node:path'
import type { Clock, Disk, Log } from '../../world/world.ts'
import type { AuditBackend, AuditEvent } from './event.ts'

export interface LogBackendOptions {
  /** Absolute. */
  readonly path: string
  readonly format: 'json' | 'legacy'
  /** A file that would grow beyond is set aside under a name with its time, and a new one begun. */
  readonly bytesMax: number
  /** Files that were set aside: so many are kept (0: all), and for so long (0: for ever). */
  readonly backupsMax: number
  readonly ageMaxMs: number
  readonly disk: Disk
  readonly clock: Clock
  readonly log: Log
}

/** One line for each event, appended to a file: `--audit-log-path` and its like. Lines of one turn go out together. */
export class LogBackend implements AuditBackend {
  readonly #options: LogBackendOptions
  #lines: string[] = []
  #writing = Promise.resolve()
  #size: number | undefined

  constructor(options: LogBackendOptions) {
    this.#options = options
  }

  write(event: AuditEvent): void {
    this.#lines.push(this.#options.format === 'json' ? JSON.stringify(event) : legacyLine(event))
    if (this.#lines.length === 1) this.#writing = this.#writing.then(() => this.#flush())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#writing
  }

  async #flush(): Promise<void> {
    const { path, bytesMax, disk, log } = this.#options
    const text = `${this.#lines.join('\n')}\n`
    this.#lines = []
    const bytes = Buffer.byteLength(text)
    try {
      this.#size ??= await disk.size(path)
      if (this.#size > 0 && this.#size + bytes > bytesMax) await this.#rotate()
      await disk.append(path, text)
      this.#size += bytes
    } catch (error) {
      log('error', 'audit events were not written', { path, error: (error as Error).message })
    }
  }

  async #rotate(): Promise<void> {
    const { path, backupsMax, ageMaxMs, disk, clock } = this.#options
    const extension = extname(path)
    const stem = basename(path, extension)
    const stamp = new Date(clock.now()).toISOString().replaceAll(':', '-').replace('Z', '')
    await disk.rename(path, join(dirname(path), `${stem}-${stamp}${extension}`))
    this.#size = 0
    const isBackup = (name: string) => name.startsWith(`${stem}-`) && name.endsWith(extension)
    const backups = (await disk.list(dirname(path))).filter(isBackup).sort().reverse()
    const madeAt = (name: string) =>
      Date.parse(
        `${name.slice(stem.length + 1, name.length - extension.length).replace(/T(\d\d)-(\d\d)-/, 'T$1:$2:')}Z`,
      )
    const outdated = backups.filter(
      (name, index) =>
        (backupsMax > 0 && index >= backupsMax) || (ageMaxMs > 0 && clock.now() - madeAt(name) > ageMaxMs),
    )
    for (const name of outdated) await disk.remove(join(dirname(path), name))
  }
}

/** One line of the old format. */
function legacyLine(event: AuditEvent): string {
  const { user, impersonatedUser, objectRef, responseStatus, sourceIPs = [] } = event
  const quoted = (values: readonly string[] = []) => values.map((value) => JSON.stringify(value)).join(',')
  const parts = {
    AUDIT: undefined,
    id: event.auditID,
    stage: event.stage,
    ip: sourceIPs[0] ?? '<unknown>',
    method: event.verb,
    user: user.username || '<none>',
    groups: quoted(user.groups) || '<none>',
    as: impersonatedUser?.username || '<self>',
    asgroups: quoted(impersonatedUser?.groups) || '<lookup>',
    'user-agent': event.userAgent ?? '',
    namespace: objectRef?.namespace || '<none>',
    uri: event.requestURI,
    response: responseStatus ? String(responseStatus.code) : '<deferred>',
  }
  const { AUDIT: _, groups, asgroups, ...rest } = parts
  const field = (name: string, value: string) => ` ${name}=${JSON.stringify(value)}`
  const fields = Object.entries(rest).flatMap(([name, value]) => {
    if (name === 'user') return [field(name, value), ` groups=${JSON.stringify(groups).replaceAll('\\"', '"')}`]
    if (name === 'as') return [field(name, value), ` asgroups=${JSON.stringify(asgroups).replaceAll('\\"', '"')}`]
    return [field(name, value)]
  })
  return `${event.stageTimestamp} AUDIT:${fields.join('')}`
}
