/** Constants that can only fail are refused before they run: durations, times, patterns. */
import type { Checked } from './checked.ts'
import { childrenOf } from './children.ts'
import { regexFault } from './regex.ts'
import type { Fault } from './source.ts'
import { parseDuration, parseTimestamp } from './time.ts'

export function checkLiterals(root: Checked, faults: Fault[]): void {
  const waiting = [root]
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if (node.kind === 'call') checkCall(node.name, node.args, faults)
    waiting.push(...childrenOf(node))
  }
}

function checkCall(name: string, args: readonly Checked[], faults: Fault[]): void {
  const argument = name === 'matches' ? args[1] : args[0]
  if (argument?.kind !== 'constant' || typeof argument.value !== 'string' || isValid(name, argument.value)) return
  faults.push({ offset: argument.offset, message: `invalid ${name} argument` })
}

function isValid(name: string, text: string): boolean {
  switch (name) {
    case 'duration':
      return parseDuration(text) !== undefined
    case 'timestamp':
      return parseTimestamp(text) !== undefined
    case 'matches':
      return regexFault(text) === undefined
    default:
      return true
  }
}
