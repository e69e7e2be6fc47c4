import { type AccessFlag, type AccessFlags, accessFlags } from '../cluster/serve.ts'
import type { Flag, FlagValues } from './command.ts'

/** kube-apiserver's flags about who is let in, as flags of `up`: names, values and meaning are the same. */

const camelCase = (name: string) => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())

/** What differs from kube-apiserver when it is not said: as kubeadm has it, so that nodes keep to what is theirs. */
const defaults: Partial<Record<AccessFlag, string>> = { 'enable-admission-plugins': 'NodeRestriction' }

const names = Object.keys(accessFlags) as AccessFlag[]

export const accessCliFlags: Readonly<Record<string, Flag>> = Object.fromEntries(
  names.map((name) => {
    const usual = defaults[name]
    return [camelCase(name), { type: 'string', value: 'X', help: accessFlags[name], ...(usual && { default: usual }) }]
  }),
)

/** Those that were given. */
export function accessFlagsOf(flags: FlagValues): AccessFlags {
  const given = names.flatMap((name) => {
    const value = flags[camelCase(name)]
    return value === undefined ? [] : [[name, String(value)]]
  })
  return Object.fromEntries(given) as AccessFlags
}

/** The same as a command line, for a process of its own. */
export const accessArguments = (flags: FlagValues): readonly string[] =>
  Object.entries(accessFlagsOf(flags)).flatMap(([name, value]) => [`--${name}`, value])
