/**
 * Keeps two processes from opening one store. lmdb would let them, and each would answer from a tree of its own.
 *
 * The owner's process id is a record in the database, taken in a write transaction of lmdb, which is exclusive among
 * processes. A process that was killed leaves its record behind; it counts as dead when there is no such process, or
 * when the one that has its id now was started at another time (Linux).
 */
import { readFileSync } from 'node:fs'
import type { RootDatabase } from 'lmdb'
import { parseProcessStat } from '../base/process-stat.ts'
import { ownerKey } from './lmdb-records.ts'

interface Owner {
  readonly pid: number
  /** In clock ticks since boot, with the boot's id in front; empty where the system does not tell. */
  readonly started: string
}

export class StoreInUseError extends Error {
  constructor(directory: string, pid: number) {
    super(`the store in ${directory} is open in process ${pid}: stop that process first, or use another data directory`)
  }
}

/**
 * Throws `StoreInUseError` when another living process (or this one, already) has the store. To be called within a write
 * transaction.
 */
export function takeOwnership(database: RootDatabase<Buffer, Buffer>, directory: string): void {
  const record = database.get(ownerKey)
  const owner = record && (JSON.parse(record.toString()) as Owner)
  if (owner && isAlive(owner)) throw new StoreInUseError(directory, owner.pid)
  database.putSync(ownerKey, Buffer.from(JSON.stringify({ pid: process.pid, started: startOf(process.pid) })))
}

function isAlive({ pid, started }: Owner): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return startOf(pid) === started
}

function startOf(pid: number): string {
  try {
    const stat = parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'latin1'))
    // Killed, and only waiting for its parent to notice.
    if (stat === undefined || stat.state === 'Z' || stat.state === 'X') return ''
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()} ${stat.began}`
  } catch {
    return ''
  }
}
