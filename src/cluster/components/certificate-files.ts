import { followFile } from '../../apiserver/access/follow-file.ts'
import type { Clock, Disk, Log } from '../../world/world.ts'
import { ComponentFlagError } from './flags.ts'

interface Parts {
  readonly disk: Disk
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

/** The content of a file that a flag names. Throws `ComponentFlagError` when there is none. */
export async function contentOf(disk: Disk, path: string): Promise<string> {
  const text = await disk.read(path)
  if (text === undefined) throw new ComponentFlagError(`open ${path}: no such file or directory`)
  return text
}

/**
 * The contents of several files that go together (certificate, key, authorities), kept up to date: `changed` is called
 * after one of them has changed, with all as they are then. When it throws (a key that does not go with its certificate
 * yet), that is logged, and it is called again with the next change.
 * @param files name → path
 */
export async function followFiles<Flag extends string>(
  files: Readonly<Partial<Record<Flag, string | undefined>>>,
  changed: (contents: Readonly<Partial<Record<Flag, string>>>) => void | Promise<void>,
  parts: Parts,
): Promise<Readonly<Partial<Record<Flag, string>>>> {
  const named = (Object.entries(files) as [Flag, string | undefined][]).filter(
    (each): each is [Flag, string] => each[1] !== undefined && each[1] !== '',
  )
  const contents: Partial<Record<Flag, string>> = {}
  for (const [flag, path] of named) contents[flag] = await contentOf(parts.disk, path)
  const first = { ...contents }
  for (const [flag, path] of named) {
    const apply = async (text: string) => {
      contents[flag] = text
      await changed({ ...contents })
    }
    followFile(path, first[flag]!, apply, parts)
  }
  return first
}
