/**
 * The rules for names and other short texts, in the reference's words (apimachinery's `validation` and `content`).
 * Each takes a text and gives what is wrong with it; nothing wrong is an empty list.
 *
 * Lengths are counted in bytes. The words for a text that is too long say "characters" in most rules and "bytes" in
 * those for labels, because the reference has moved only the latter to its new package.
 */

import {
  type Cidr,
  formatCidr,
  formatIp,
  isMappedIpv4,
  parseCidr,
  parseInterfaceAddress,
  parseIp,
} from '../base/cidr.ts'
import { goQuote } from './field-errors.ts'

/** What is wrong with a text. */
export type Faults = readonly string[]

const fine: Faults = []

const labelFormat = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const subdomainFormat = `${labelFormat}(\\.${labelFormat})*`
const underscoreLabelFormat = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?'
const underscoreSubdomainFormat = `${underscoreLabelFormat}(\\.${underscoreLabelFormat})*`
const wildcardSubdomainFormat = `\\*\\.${subdomainFormat}`
const dns1035LabelFormat = '[a-z]([-a-z0-9]*[a-z0-9])?'
const qualifiedNameFormat = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const labelValueFormat = `(${qualifiedNameFormat})?`
const cIdentifierFormat = '[A-Za-z_][A-Za-z0-9_]*'
const percentFormat = '[0-9]+%'
const httpHeaderFormat = '[-A-Za-z0-9]+'
const configMapKeyFormat = '[-._a-zA-Z0-9]+'
const conditionReasonFormat = '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?'
const httpPathFormat = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+"

const whole = (format: string) => new RegExp(`^(?:${format})$`)

const labelPattern = whole(labelFormat)
const subdomainPattern = whole(subdomainFormat)
const underscoreSubdomainPattern = whole(underscoreSubdomainFormat)
const wildcardSubdomainPattern = whole(wildcardSubdomainFormat)
const dns1035LabelPattern = whole(dns1035LabelFormat)
const qualifiedNamePattern = whole(qualifiedNameFormat)
const labelValuePattern = whole(labelValueFormat)
const cIdentifierPattern = whole(cIdentifierFormat)
const percentPattern = whole(percentFormat)
const httpHeaderPattern = whole(httpHeaderFormat)
const configMapKeyPattern = whole(configMapKeyFormat)
const conditionReasonPattern = whole(conditionReasonFormat)
const httpPathPattern = whole(httpPathFormat)

/** A label in DNS: `my-name`. */
export function dnsLabelFaults(text: string): Faults {
  if (text.length <= 63 && labelPattern.test(text)) return fine
  const shape = labelPattern.test(text)
    ? []
    : [
        subdomainPattern.test(text)
          ? 'must not contain dots'
          : regexError(
              "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
              labelFormat,
              'my-name',
              '123-abc',
            ),
      ]
  return [...tooLong(text, 63, 'characters'), ...shape]
}

/** Labels joined by dots: `example.com`. */
export function dnsSubdomainFaults(text: string): Faults {
  return subdomain(text, 'characters')
}

function subdomain(text: string, unit: Unit): Faults {
  return check(text, 253, unit, subdomainPattern, () =>
    regexError(
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
      subdomainFormat,
      'example.com',
    ),
  )
}

/** As a subdomain, and labels may have underscores: search paths of a pod's DNS. */
export function underscoreSubdomainFaults(text: string): Faults {
  return check(text, 253, 'characters', underscoreSubdomainPattern, () =>
    regexError(
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
      underscoreSubdomainFormat,
      'example.com',
    ),
  )
}

/** A label that starts with a letter. */
export function dns1035LabelFaults(text: string): Faults {
  return check(text, 63, 'characters', dns1035LabelPattern, () =>
    regexError(
      "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
      dns1035LabelFormat,
      'my-name',
      'abc-123',
    ),
  )
}

/** `*.example.com`. */
export function wildcardSubdomainFaults(text: string): Faults {
  return check(text, 253, 'characters', wildcardSubdomainPattern, () =>
    regexError(
      "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
      wildcardSubdomainFormat,
      '*.example.com',
    ),
  )
}

/** At least three labels joined by dots: a domain that belongs to somebody, such as that of a CRD's group. */
export function fullyQualifiedNameFaults(text: string): Faults {
  const faults = dnsSubdomainFaults(text)
  if (faults.length > 0) return [faults.join(',')]
  return text.split('.').length < 3 ? ['should be a domain with at least three segments separated by dots'] : fine
}

/** At least two labels joined by dots, each of a label's length; a dot may end it. */
export function fullyQualifiedDomainNameFaults(text: string): Faults {
  const name = text.endsWith('.') ? text.slice(0, -1) : text
  const faults = dnsSubdomainFaults(name)
  if (faults.length > 0) return [faults.join(',')]
  const labels = name.split('.')
  if (labels.length < 2) return ['should be a domain with at least two segments separated by dots']
  const wrong = labels.map(dnsLabelFaults).find((found) => found.length > 0)
  return wrong ? [wrong.join(',')] : fine
}

const qualifiedNameWords =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
const qualifiedNameExamples = ['MyName', 'my.name', '123-abc'] as const

/** A key of labels and annotations: a name with an optional domain before it (`example.com/MyName`). */
export function qualifiedNameFaults(text: string): Faults {
  const slash = text.indexOf('/')
  if (slash < 0) return namePart(text)
  const [prefix, name] = [text.slice(0, slash), text.slice(slash + 1)]
  if (name.includes('/')) {
    const words = regexError(`a valid label key ${qualifiedNameWords}`, qualifiedNameFormat, ...qualifiedNameExamples)
    return [`${words} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`]
  }
  const prefixFaults = prefix === '' ? [mustNotBeEmpty] : subdomain(prefix, 'bytes')
  const nameFaults = namePart(name)
  return prefixFaults.length === 0
    ? nameFaults
    : [...prefixFaults.map((fault) => `prefix part ${fault}`), ...nameFaults]
}

function namePart(name: string): Faults {
  if (name.length <= 63 && qualifiedNamePattern.test(name)) return fine
  const faults: string[] = name === '' ? [mustNotBeEmpty] : [...tooLong(name, 63, 'bytes')]
  if (!qualifiedNamePattern.test(name)) {
    faults.push(regexError(qualifiedNameWords, qualifiedNameFormat, ...qualifiedNameExamples))
  }
  return faults.map((fault) => `name part ${fault}`)
}

/** The value of a label; may be empty. */
export function labelValueFaults(text: string): Faults {
  return check(text, 63, 'bytes', labelValuePattern, () =>
    regexError(
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
      labelValueFormat,
      'MyValue',
      'my_value',
      '12345',
    ),
  )
}

export function cIdentifierFaults(text: string): Faults {
  return check(text, undefined, 'bytes', cIdentifierPattern, () =>
    regexError(
      "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
      cIdentifierFormat,
      'my_name',
      'MY_NAME',
      'MyName',
    ),
  )
}

/** The name of an environment variable: any printable ASCII but `=` (KEP-4369, for all clusters since v1.34). */
export function envVarNameFaults(text: string): Faults {
  if (text === '') return [`environment variable name ${mustNotBeEmpty}`]
  if (/^[ -<>-~]*$/.test(text)) return fine
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"]
}

/** A key of a ConfigMap or a Secret, which may become a file name. */
export function configKeyFaults(text: string): Faults {
  const faults = check(text, 253, 'characters', configMapKeyPattern, () =>
    regexError(
      "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
      configMapKeyFormat,
      'key.name',
      'KEY_NAME',
      'key-name',
    ),
  )
  if (!text.startsWith('.')) return faults
  if (text === '.') return [...faults, "must not be '.'"]
  if (text === '..') return [...faults, "must not be '..'"]
  return text.startsWith('..') ? [...faults, "must not start with '..'"] : faults
}

export function httpHeaderNameFaults(text: string): Faults {
  return check(text, undefined, 'characters', httpHeaderPattern, () =>
    regexError("a valid HTTP header must consist of alphanumeric characters or '-'", httpHeaderFormat, 'X-Header-Name'),
  )
}

/** Why a condition is as it is: `MinimumReplicasAvailable`. */
export function conditionReasonFaults(text: string): Faults {
  return check(text, undefined, 'characters', conditionReasonPattern, () =>
    regexError(
      "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'",
      conditionReasonFormat,
      'my_name',
      'MY_NAME',
      'MyName',
      'ReasonA,ReasonB',
      'ReasonA:ReasonB',
    ),
  )
}

export function percentFaults(text: string): Faults {
  return check(text, undefined, 'characters', percentPattern, () =>
    regexError("a valid percent string must be a numeric string followed by an ending '%'", percentFormat, '1%', '93%'),
  )
}

export function portNumberFaults(port: number): Faults {
  return rangeFaults(port, 1, 65_535)
}

export function userIdFaults(id: number): Faults {
  return rangeFaults(id, 0, 0xffff_ffff)
}

export const groupIdFaults: (id: number) => Faults = userIdFaults

/** The bounds themselves are in range. */
export function rangeFaults(value: number, min: number, max: number): Faults {
  return value >= min && value <= max ? fine : [`must be between ${min} and ${max}, inclusive`]
}

/** A port's name (IANA service name, RFC 6335). */
export function portNameFaults(text: string): Faults {
  const faults: string[] = [...tooLong(text, 15, 'characters')]
  if (!/^[-a-z0-9]+$/.test(text)) faults.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)')
  if (!/[a-z]/.test(text)) faults.push('must contain at least one letter (a-z)')
  if (text.includes('--')) faults.push('must not contain consecutive hyphens')
  if (text.startsWith('-') || text.endsWith('-')) faults.push('must not begin or end with a hyphen')
  return faults
}

/** An address in canonical form, as fields that came late demand it. */
export function ipFaults(text: string): Faults {
  const faults = legacyIpFaults(text)
  const address = parseIp(text)
  return faults.length > 0 || address === undefined ? faults : mustBeCanonical(text, formatIp(address))
}

/** An address in an old field: need not be canonical, but read alike by everybody. */
export function legacyIpFaults(text: string): Faults {
  if (parseIp(text, 'sloppy') === undefined) return ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']
  const address = parseIp(text)
  if (address === undefined) return ['must not have leading 0s']
  return isMappedIpv4(address) ? ['must not be an IPv4-mapped IPv6 address'] : fine
}

/** A range in canonical form. */
export function cidrFaults(text: string): Faults {
  const faults = legacyCidrFaults(text)
  const cidr = parseCidr(text)
  return faults.length > 0 || cidr === undefined ? faults : mustBeCanonical(text, formatCidr(cidr))
}

/** A range in an old field: need not be canonical, but read alike by everybody. */
export function legacyCidrFaults(text: string): Faults {
  if (parseCidr(text, 'sloppy') === undefined)
    return ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']
  const given = parseInterfaceAddress(text)
  if (given === undefined) return ['must not have leading 0s in IP or prefix length']
  const { address } = parseCidr(text) as Cidr
  const faults = address.bits === given.address.bits ? [] : ['must not have bits set beyond the prefix length']
  return isMappedIpv4(given.address) ? [...faults, 'must not have an IPv4-mapped IPv6 address'] : faults
}

function mustBeCanonical(text: string, canonical: string): Faults {
  return text === canonical ? fine : [`must be in canonical form (${goQuote(canonical)})`]
}

/** What is wrong with a text that has parts: the part, and the fault. */
export interface PartFault {
  readonly part: string
  readonly fault: string
}

/** A domain and a path (`acme.io/foo`). The empty text is the caller's to refuse, with "Required value". */
export function domainPrefixedPathFaults(text: string): readonly PartFault[] {
  const slash = text.indexOf('/')
  if (slash <= 0 || slash === text.length - 1) {
    return [{ part: text, fault: 'must be a domain-prefixed path (such as "acme.io/foo")' }]
  }
  const [host, path] = [text.slice(0, slash), text.slice(slash + 1)]
  const faults = dnsSubdomainFaults(host).map((fault) => ({ part: host, fault }))
  if (httpPathPattern.test(path)) return faults
  return [...faults, { part: path, fault: regexError('Invalid path', httpPathFormat) }]
}

/** A label key that must have a domain (`acme.io/foo`). */
export function domainPrefixedKeyFaults(text: string): Faults {
  const faults = qualifiedNameFaults(text)
  if (faults.length > 0) return faults
  return text.includes('/') ? fine : ['must be a domain-prefixed key (such as "acme.io/foo")']
}

/** A name that can stand in a URL's path, whatever else it is: names of roles and bindings. */
export function pathSegmentFaults(text: string): Faults {
  if (text === '.' || text === '..') return [`may not be '${text}'`]
  return pathSegmentPrefixFaults(text)
}

function pathSegmentPrefixFaults(text: string): Faults {
  if (!/[/%]/.test(text)) return fine
  return ['/', '%'].filter((illegal) => text.includes(illegal)).map((illegal) => `may not contain '${illegal}'`)
}

const standardFinalizers = new Set(['kubernetes', 'orphan', 'foregroundDeletion'])

/** What built-in kinds demand of a finalizer beside being a qualified name. */
export function kubeFinalizerFaults(text: string): Faults {
  if (text.includes('/') || standardFinalizers.has(text)) return fine
  return ['name is neither a standard finalizer name nor is it fully qualified']
}

/** A rule for names of objects, for use as `Kind.nameRule`. */
export type NameRule = (name: string, isPrefix: boolean) => Faults

/** Names of most kinds. */
export const subdomainNameRule: NameRule = (name, isPrefix) =>
  dnsSubdomainFaults(isPrefix ? maskTrailingDash(name) : name)
/** Names of namespaces, statefulsets' pods and other things that become part of a host name. */
export const labelNameRule: NameRule = (name, isPrefix) => dnsLabelFaults(isPrefix ? maskTrailingDash(name) : name)
/** Names of services. */
export const dns1035NameRule: NameRule = (name, isPrefix) =>
  dns1035LabelFaults(isPrefix ? maskTrailingDash(name) : name)
/** Names of roles and role bindings, and of others that only need to fit a URL. */
export const pathSegmentNameRule: NameRule = (name, isPrefix) =>
  isPrefix ? pathSegmentPrefixFaults(name) : pathSegmentFaults(name)

/** A prefix may end in a dash, since more comes after it; a letter is put in its place before the rule looks. */
function maskTrailingDash(prefix: string): string {
  return prefix.length > 1 && prefix.endsWith('-') ? `${prefix.slice(0, -2)}a` : prefix
}

type Unit = 'characters' | 'bytes'

const mustNotBeEmpty = 'must be non-empty'

/** Most texts are right; `words` is only made for those that are not. */
function check(text: string, maxLength: number | undefined, unit: Unit, pattern: RegExp, words: () => string): Faults {
  const long = maxLength === undefined ? fine : tooLong(text, maxLength, unit)
  return pattern.test(text) ? long : [...long, words()]
}

function tooLong(text: string, maxLength: number, unit: Unit): Faults {
  if (text.length * 3 <= maxLength || Buffer.byteLength(text) <= maxLength) return fine
  return [`must be no more than ${maxLength} ${unit}`]
}

/** Tells a pattern and examples, as the reference joins them (two blanks before "or" included). */
function regexError(words: string, format: string, ...examples: readonly string[]): string {
  if (examples.length === 0) return `${words} (regex used for validation is '${format}')`
  const listed = examples.map((example) => `'${example}', `).join(' or ')
  return `${words} (e.g. ${listed}regex used for validation is '${format}')`
}
