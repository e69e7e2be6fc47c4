/** Versions: `semver('1.2.3').isLessThan(semver('2.0.0'))`. */
import { type Library, member, overload } from '../declarations.ts'
import { Failure } from '../failure.ts'
import { bool, int, opaqueType, string } from '../types.ts'
import { Opaque, toInt } from '../values.ts'

const semverType = opaqueType('kubernetes.Semver')

class Version extends Opaque {
  readonly typeName = semverType.name
  readonly numbers: readonly bigint[]
  readonly prerelease: readonly string[]
  readonly text: string

  constructor(numbers: readonly bigint[], prerelease: readonly string[], text: string) {
    super()
    this.numbers = numbers
    this.prerelease = prerelease
    this.text = text
  }

  override equals(other: Opaque): boolean {
    return other instanceof Version && compare(this, other) === 0
  }

  override toString(): string {
    return this.text
  }
}

const pair = [semverType, semverType] as const

const number = (id: string, index: number) =>
  member(id, [semverType], int, ({ numbers }: Version) => toInt(BigInt.asIntN(64, numbers[index]!)))

export const semverLibrary: Library = {
  types: { [semverType.name]: semverType },
  functions: {
    semver: [
      overload('string_to_semver', [string], semverType, (text: string) => toVersion(text, false)),
      overload('string_bool_to_semver', [string, { kind: 'bool' }], semverType, toVersion),
    ],
    isSemver: [
      overload('is_semver_string', [string], bool, (text: string) => isVersion(text, false)),
      overload('is_semver_string_bool', [string, { kind: 'bool' }], bool, isVersion),
    ],
    major: [number('semver_major', 0)],
    minor: [number('semver_minor', 1)],
    patch: [number('semver_patch', 2)],
    isGreaterThan: [
      member('semver_is_greater_than', pair, bool, (left: Version, right: Version) => compare(left, right) > 0),
    ],
    isLessThan: [
      member('semver_is_less_than', pair, bool, (left: Version, right: Version) => compare(left, right) < 0),
    ],
    compareTo: [member('semver_compare_to', pair, int, compare)],
  },
}

function toVersion(text: string, normalized: boolean): Version {
  const version = parse(text, normalized)
  if (typeof version === 'string') throw new Failure(version)
  return version
}

function isVersion(text: string, normalized: boolean): boolean {
  return typeof parse(text, normalized) !== 'string'
}

/** Gives the fault of what is no version. */
function parse(text: string, normalized: boolean): Version | string {
  const given = normalized ? normalize(text) : text
  if (given === undefined) return 'short version cannot contain PreRelease/Build meta data'
  if (given === '') return 'Version string empty'
  const parts = given.split(/\.(.*)/s, 2)
  const [minor, rest] = (parts[1] ?? '').split(/\.(.*)/s, 2)
  if (parts.length < 2 || rest === undefined) return 'No Major.Minor.Patch elements found'
  const [core, build] = rest.split(/\+(.*)/s, 2)
  const [patch, prerelease] = core!.split(/-(.*)/s, 2)
  const numbers = [parts[0]!, minor!, patch!]
  return (
    numberFault(numbers) ??
    identifierFault(prerelease, build) ??
    new Version(numbers.map(BigInt), prerelease?.split('.') ?? [], given)
  )
}

function numberFault(numbers: readonly string[]): string | undefined {
  const names = ['major', 'minor', 'patch']
  for (const [index, digits] of numbers.entries()) {
    const name = names[index]!
    if (!/^\d+$/.test(digits))
      return name === 'patch' && digits === ''
        ? `strconv.ParseUint: parsing "": invalid syntax`
        : `Invalid character(s) found in ${name} number ${JSON.stringify(digits)}`
    if (digits.length > 1 && digits.startsWith('0'))
      return `${name[0]!.toUpperCase()}${name.slice(1)} number must not contain leading zeroes ${JSON.stringify(digits)}`
    if (digits.length > 20 || BigInt(digits) >= 2n ** 64n)
      return `strconv.ParseUint: parsing ${JSON.stringify(digits)}: value out of range`
  }
  return undefined
}

function identifierFault(prerelease: string | undefined, build: string | undefined): string | undefined {
  for (const identifier of prerelease?.split('.') ?? []) {
    if (identifier === '') return 'Prerelease is empty'
    if (!/^[0-9A-Za-z-]+$/.test(identifier))
      return `Invalid character(s) found in prerelease ${JSON.stringify(identifier)}`
    if (/^0\d+$/.test(identifier))
      return `Numeric PreRelease version must not contain leading zeroes ${JSON.stringify(identifier)}`
  }
  for (const identifier of build?.split('.') ?? []) {
    if (identifier === '') return 'Build meta data is empty'
    if (!/^[0-9A-Za-z-]+$/.test(identifier))
      return `Invalid character(s) found in build meta data ${JSON.stringify(identifier)}`
  }
  return undefined
}

/** `v1.02` → `1.2.0`; undefined for a short version with more than numbers. */
function normalize(text: string): string | undefined {
  const parts = text.replace(/^v/, '').split('.')
  const three = [...parts.slice(0, 2), ...(parts.length > 2 ? [parts.slice(2).join('.')] : [])].map(withoutZeros)
  if (three.length === 3) return three.join('.')
  if (/[+-]/.test(three.at(-1)!)) return undefined
  return [...three, '0', '0'].slice(0, 3).join('.')
}

function withoutZeros(part: string): string {
  if (part.length <= 1) return part
  const trimmed = part.replace(/^0+/, '')
  return /^\d/.test(trimmed) ? trimmed : `0${trimmed}`
}

function compare(left: Version, right: Version): number {
  for (let index = 0; index < 3; index++) {
    const [first, second] = [left.numbers[index]!, right.numbers[index]!]
    if (first !== second) return first < second ? -1 : 1
  }
  return comparePrereleases(left.prerelease, right.prerelease)
}

function comparePrereleases(left: readonly string[], right: readonly string[]): number {
  if (left.length === 0 || right.length === 0) return Math.sign(right.length - left.length)
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const order = compareIdentifiers(left[index]!, right[index]!)
    if (order !== 0) return order
  }
  return Math.sign(left.length - right.length)
}

/** Numbers come before words. */
function compareIdentifiers(left: string, right: string): number {
  const [leftNumeric, rightNumeric] = [/^\d+$/.test(left), /^\d+$/.test(right)]
  if (leftNumeric !== rightNumeric) return leftNumeric ? -1 : 1
  if (leftNumeric && left.length !== right.length) return left.length < right.length ? -1 : 1
  return left < right ? -1 : left > right ? 1 : 0
}
