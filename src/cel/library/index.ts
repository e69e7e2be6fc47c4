/** Which functions there are: a plain list, by dialect and version. */
import type { Environment } from '../contract.ts'
import type { Functions, Library, Overload } from '../declarations.ts'
import type { Syntax } from '../parser.ts'
import type { CelType } from '../types.ts'
import { optionalLibrary } from './optionals.ts'
import { standardLibrary } from './standard.ts'
import { extendedStringLibrary, stringLibrary, stringFormatLibrary } from './strings.ts'

export interface Libraries {
  readonly functions: Functions
  readonly types: Readonly<Record<string, CelType>>
  readonly syntax: Syntax
  readonly homogeneous: boolean
  /** Whether constants that cannot be read are faults of the text. */
  readonly checksLiterals: boolean
}

/** Kubernetes 1.`since` has brought it. */
interface Release {
  readonly since: number
  readonly library: Library
}

const releases: readonly Release[] = [
  { since: 0, library: standardLibrary },
  { since: 0, library: stringLibrary },
  { since: 28, library: optionalLibrary },
  { since: 29, library: stringFormatLibrary },
]

/** What the whole language has and Kubernetes does not. */
const extensions: readonly Library[] = [extendedStringLibrary]

/** After every release there is. */
const newest = Number.MAX_SAFE_INTEGER

const known = new Map<string, Libraries>()

export function librariesOf({ version = newest, dialect = 'kubernetes' }: Environment): Libraries {
  const key = `${dialect} ${version}`
  const made = known.get(key) ?? make(version, dialect === 'full')
  known.set(key, made)
  return made
}

function make(version: number, full: boolean): Libraries {
  const libraries = releases.filter(({ since }) => since <= version).map(({ library }) => library)
  if (full) libraries.push(...extensions)
  return {
    functions: merge(libraries),
    types: Object.assign({}, ...libraries.map(({ types }) => types)),
    syntax: {
      optionals: version >= 28,
      twoVariables: version >= 32,
      escapedNames: full,
      bindings: full,
    },
    homogeneous: !full,
    checksLiterals: !full && version >= 29,
  }
}

/** Functions of one name from several libraries are one function with more overloads. */
function merge(libraries: readonly Library[]): Functions {
  const functions = new Map<string, readonly Overload[]>()
  for (const library of libraries)
    for (const [name, overloads] of Object.entries(library.functions))
      functions.set(name, [...(functions.get(name) ?? []), ...overloads])
  return functions
}
