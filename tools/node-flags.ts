/** How `./coracle` starts the program, for those who build it and those who start it themselves. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The flags of Node.js with which `./coracle` starts the program: those of the line with which it ends. */
export const nodeFlags: readonly string[] = read()

function read(): readonly string[] {
  const script = readFileSync(join(import.meta.dirname, '../coracle'), 'utf8')
  const [, flags] = /^exec "\$node" (.*) "\$@"$/m.exec(script) ?? []
  if (flags === undefined) throw new Error('coracle: no line starts Node.js with flags')
  return flags.split(' ')
}

/** The image, beside a bundle, that a command is started from. `up` has one of its own, without the code of all the others. */
export function imageOf(bundle: string, command?: string): string {
  return bundle.replace(/\.mjs$/, command === 'up' ? '.up.blob' : '.blob')
}
