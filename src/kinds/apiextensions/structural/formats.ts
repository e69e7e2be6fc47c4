import { parseCidr, parseIp } from '../../../base/cidr.ts'
import { dnsLabelFaults, dnsSubdomainFaults } from '../../../schema/names.ts'

/** The formats of strings that the reference checks (k8s.io/kube-openapi's strfmt, as CustomResourceDefinitions may use it). */

type Check = (text: string) => boolean

const matches =
  (pattern: RegExp): Check =>
  (text) =>
    pattern.test(text)

const uuid = (version: string, variant: string) =>
  matches(new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?${variant}[0-9a-f]{3}-?[0-9a-f]{12}$`, 'i'))

const colourPart = '(?:0|[1-9]\\d?|1\\d\\d?|2[0-4]\\d|25[0-5])'
const dateTime =
  /^(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))[Tt ]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):?[0-5]\d)?$/
const hostLabel = /^(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9_-]{0,61}[A-Za-z0-9]|\p{L}[\p{L}\p{N}-]{0,62})$/u

function isDate(text: string): boolean {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  // A month does not have the days that would be the next one's.
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text)
}

function isHostname(text: string): boolean {
  if (text === '' || text.length > 255) return false
  return text
    .replace(/\.$/, '')
    .split('.')
    .every((label) => hostLabel.test(label))
}

function isUri(text: string): boolean {
  return /^[A-Za-z][A-Za-z0-9+.-]*:\S+$/.test(text) || /^\/[^\s]*$/.test(text)
}

function isEmail(text: string): boolean {
  return /^(?:[^<>]*<)?[^\s@<>()[\],;:"]+@[^\s@<>()[\],;:"]+>?$/.test(text)
}

function isBase64(text: string): boolean {
  return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})?$/.test(text)
}

function isCreditCard(text: string): boolean {
  const digits = text.replace(/[^0-9]+/g, '')
  const known =
    /^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11})$/
  return known.test(digits) && luhn(digits) % 10 === 0
}

function luhn(digits: string): number {
  return [...digits].reverse().reduce((sum, digit, index) => {
    const value = Number(digit) * (index % 2 === 1 ? 2 : 1)
    return sum + (value > 9 ? value - 9 : value)
  }, 0)
}

function isIsbn10(text: string): boolean {
  const digits = text.replace(/[\s-]+/g, '')
  if (!/^\d{9}[\dX]$/.test(digits)) return false
  const sum = [...digits].reduce((total, digit, index) => total + (index + 1) * (digit === 'X' ? 10 : Number(digit)), 0)
  return sum % 11 === 0
}

function isIsbn13(text: string): boolean {
  const digits = text.replace(/[\s-]+/g, '')
  if (!/^\d{13}$/.test(digits)) return false
  return [...digits].reduce((total, digit, index) => total + Number(digit) * (index % 2 === 0 ? 1 : 3), 0) % 10 === 0
}

function isDuration(text: string): boolean {
  return text === '0' || goDuration.test(text) || durationWords.test(text)
}

// Neither leaves a choice of how to read a text: the ways would multiply with its length.
const goDuration = /^[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/
const durationWords =
  /^\s*(?:\d+\s*(?:ns|nanos?|nanoseconds?|us|µs|μs|micros?|microseconds?|ms|millis?|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|wks?|weeks?)\s*)+$/i

const checks: Readonly<Record<string, Check>> = {
  bsonobjectid: matches(/^[0-9a-fA-F]{24}$/),
  uri: isUri,
  email: isEmail,
  hostname: isHostname,
  ipv4: (text) => text.includes('.') && !text.includes(':') && parseIp(text) !== undefined,
  ipv6: (text) => text.includes(':') && parseIp(text) !== undefined,
  cidr: (text) => parseCidr(text) !== undefined,
  mac: matches(
    /^(?:[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}|[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\2){6}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{4}\.){2,3}[0-9A-Fa-f]{4})$/,
  ),
  uuid: uuid('[0-9a-f]', '[0-9a-f]'),
  uuid3: uuid('3', '[0-9a-f]'),
  uuid4: uuid('4', '[89ab]'),
  uuid5: uuid('5', '[89ab]'),
  isbn: (text) => isIsbn10(text) || isIsbn13(text),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  creditcard: isCreditCard,
  ssn: matches(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/),
  hexcolor: matches(/^#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/),
  rgbcolor: matches(new RegExp(`^rgb\\(\\s*${colourPart}\\s*,\\s*${colourPart}\\s*,\\s*${colourPart}\\s*\\)$`)),
  byte: isBase64,
  password: () => true,
  date: isDate,
  duration: isDuration,
  datetime: matches(dateTime),
  'k8s-short-name': (text) => dnsLabelFaults(text).length === 0,
  'k8s-long-name': (text) => dnsSubdomainFaults(text).length === 0,
}

const numberFormats: ReadonlySet<string> = new Set(['int32', 'int64', 'float', 'double', 'float32', 'float64'])

/** `date-time` and `datetime` are the same. */
function checkOf(format: string): Check | undefined {
  const name = Object.hasOwn(checks, format) ? format : format.replaceAll('-', '')
  return Object.hasOwn(checks, name) ? checks[name] : undefined
}

/** Whether strings of this format are checked, or numbers kept within its bounds. */
export const isKnownFormat = (format: string): boolean => checkOf(format) !== undefined || numberFormats.has(format)

/** Formats that nobody knows allow everything. */
export function fitsFormat(format: string, text: string): boolean {
  return checkOf(format)?.(text) ?? true
}
