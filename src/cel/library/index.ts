/** Which functions there are: a plain list, by dialect and version. */
import type { Environment } from '../contract.ts'
import type { Functions, Library, Overload } from '../declarations.ts'
import type { Syntax } from '../parser.ts'
import type { CelType } from '../types.ts'
import { authorizerLibrary, authorizerSelectorLibrary } from './authorizer.ts'
import { formatLibrary } from './formats.ts'
import { imageLibrary } from './images.ts'
import { jsonPatchLibrary } from './json-patch.ts'
import { listLibrary } from './lists.ts'
import { networkLibrary } from './network.ts'
import { optionalLibrary } from './optionals.ts'
import { quantityLibrary } from './quantity.ts'
import { regexLibrary } from './regex.ts'
import { semverLibrary } from './semver.ts'
import { setLibrary } from './sets.ts'
import { standardLibrary } from './standard.ts'
import { extendedStringLibrary, stringFormatLibrary, stringLibrary } from './strings.ts'
import { urlLibrary } from './urls.ts'

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
  { since: 0, library: urlLibrary },
  { since: 0, library: regexLibrary },
  { since: 0, library: listLibrary },
  { since: 27, library: authorizerLibrary },
  { since: 28, library: optionalLibrary },
  { since: 28, library: quantityLibrary },
  { since: 29, library: stringFormatLibrary },
  { since: 29, library: setLibrary },
  { since: 30, library: networkLibrary },
  { since: 31, library: formatLibrary },
  { since: 31, library: authorizerSelectorLibrary },
  { since: 33, library: semverLibrary },
  { since: 33, library: imageLibrary },
]

/** What the whole language has and Kubernetes does not. */
const extensions: readonly Library[] = [extendedStringLibrary]

/** After every release there is. */
const newest = Number.MAX_SAFE_INTEGER

const known = new Map<string, Libraries>()

export function librariesOf({ version = newest, dialect = 'kubernetes', messages }: Environment): Libraries {
  const key = `${dialect} ${version} ${messages !== undefined}`
  const made = known.get(key) ?? make(version, dialect === 'full', messages !== undefined)
  known.set(key, made)
  return made
}

/** @param mutating whether expressions make objects and patches */
function make(version: number, full: boolean, mutating: boolean): Libraries {
  const libraries = releases.filter(({ since }) => since <= version).map(({ library }) => library)
  if (mutating) libraries.push(jsonPatchLibrary)
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
