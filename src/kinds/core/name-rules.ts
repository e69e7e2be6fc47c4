/**
 * Forms of names that pods and workloads use. Each gives what is wrong with a text, in the reference's words; nothing
 * when it is right. The good case reads characters, because every field of every pod passes here.
 */

const labelPattern = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const subdomainPattern = `${labelPattern}(\\.${labelPattern})*`
const underscorePart = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?'

export const labelRule =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with " +
  `an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${labelPattern}')`
export const subdomainRule =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and " +
  `end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${subdomainPattern}')`
const underscoreRule =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start " +
  `and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${underscorePart}(\\.${underscorePart})*')`
const underscoreExpression = new RegExp(`^${underscorePart}(\\.${underscorePart})*$`)

export const noFaults: readonly string[] = []

const isLowerAlphanumeric = (code: number): boolean => (code >= 97 && code <= 122) || (code >= 48 && code <= 57)
const isAlphanumeric = (code: number): boolean => isLowerAlphanumeric(code) || (code >= 65 && code <= 90)
const dash = 45
const dot = 46

/** Whether the characters from `start` to `end` are a DNS label. */
function isLabel(text: string, start: number, end: number): boolean {
  if (end <= start || !isLowerAlphanumeric(text.charCodeAt(start)) || !isLowerAlphanumeric(text.charCodeAt(end - 1))) {
    return false
  }
  for (let index = start + 1; index < end - 1; index++) {
    const code = text.charCodeAt(index)
    if (!isLowerAlphanumeric(code) && code !== dash) return false
  }
  return true
}

function isSubdomain(text: string): boolean {
  let start = 0
  for (let index = 0; index <= text.length; index++) {
    if (index < text.length && text.charCodeAt(index) !== dot) continue
    if (!isLabel(text, start, index)) return false
    start = index + 1
  }
  return true
}

export function dnsLabelFaults(text: string): readonly string[] {
  const tooLong = Buffer.byteLength(text) > 63
  const wrong = !isLabel(text, 0, text.length)
  if (!tooLong && !wrong) return noFaults
  return [...(tooLong ? ['must be no more than 63 bytes'] : []), ...(wrong ? [isSubdomain(text) ? 'must not contain dots' : labelRule] : [])]
}

export function dnsSubdomainFaults(text: string): readonly string[] {
  const tooLong = text.length > 253
  const wrong = !isSubdomain(text)
  if (!tooLong && !wrong) return noFaults
  return [...(tooLong ? ['must be no more than 253 bytes'] : []), ...(wrong ? [subdomainRule] : [])]
}

/** A DNS subdomain in which `_` may stand, as search domains of real resolvers have it. */
export function underscoreSubdomainFaults(text: string): readonly string[] {
  const faults = text.length > 253 ? ['must be no more than 253 bytes'] : []
  return underscoreExpression.test(text) ? faults : [...faults, underscoreRule]
}

/** The `nameRule` of a kind whose names are DNS subdomains; a prefix may end with a dash. */
export function subdomainNameRule(name: string, isPrefix: boolean): readonly string[] {
  return dnsSubdomainFaults(isPrefix ? maskTrailingDash(name) : name)
}

/** The `nameRule` of a kind whose names are DNS labels. */
export function labelNameRule(name: string, isPrefix: boolean): readonly string[] {
  return dnsLabelFaults(isPrefix ? maskTrailingDash(name) : name)
}

/** What a server appends to a prefix begins with a letter, so a dash at its end is not the end of the name. */
export function maskTrailingDash(prefix: string): string {
  return prefix.length > 1 && prefix.endsWith('-') ? `${prefix.slice(0, -2)}a` : prefix
}

/** The name of a port: an IANA service name. */
export function portNameFaults(name: string): readonly string[] {
  const faults: string[] = []
  if (name.length > 15) faults.push('must be no more than 15 bytes')
  if (!/^[-a-z0-9]+$/.test(name)) faults.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)')
  if (!/[a-z]/.test(name)) faults.push('must contain at least one letter (a-z)')
  if (name.includes('--')) faults.push('must not contain consecutive hyphens')
  if (name.startsWith('-') || name.endsWith('-')) faults.push('must not begin or end with a hyphen')
  return faults
}

export const portRule = 'must be between 1 and 65535, inclusive'

export const isPort = (port: number): boolean => port >= 1 && port <= 65_535

/** The name of an environment variable: everything that a C library takes, but not `=` and what does not print. */
export function environmentNameFaults(name: string): readonly string[] {
  return name === '' ? ['environment variable name must be non-empty'] : printableFaults(name)
}

function printableFaults(name: string): readonly string[] {
  for (let index = 0; index < name.length; index++) {
    const code = name.charCodeAt(index)
    if (code < 32 || code > 126 || code === 61) {
      return ["a valid environment variable name must consist only of printable ASCII characters other than '='"]
    }
  }
  return noFaults
}

/** A key of a ConfigMap or Secret; it becomes the name of a file. */
export function configKeyFaults(key: string): readonly string[] {
  let wrong = key === ''
  for (let index = 0; index < key.length && !wrong; index++) {
    const code = key.charCodeAt(index)
    wrong = !isAlphanumeric(code) && code !== dash && code !== dot && code !== 95
  }
  if (!wrong && key.length <= 253 && !key.startsWith('.')) return noFaults
  const faults: string[] = []
  if (key.length > 253) faults.push('must be no more than 253 bytes')
  if (wrong) {
    faults.push(
      "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME', " +
        " or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    )
  }
  if (key === '.') faults.push(`must not be '.'`)
  else if (key === '..') faults.push(`must not be '..'`)
  else if (key.startsWith('..')) faults.push(`must not start with '..'`)
  return faults
}

const headerExpression = /^[-A-Za-z0-9]+$/

export function headerNameFaults(name: string): readonly string[] {
  if (headerExpression.test(name)) return noFaults
  return [
    "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for " +
      "validation is '[-A-Za-z0-9]+')",
  ]
}

export const notNegative = 'must be greater than or equal to 0'
