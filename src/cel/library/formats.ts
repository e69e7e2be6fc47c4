/** Named checks of texts: `format.dns1123Label().validate(name)`. */
import { type Library, member, type Overload, overload } from '../declarations.ts'
import { parseDate, parseTimestamp } from '../time.ts'
import { listOf, opaqueType, optionalOf, string } from '../types.ts'
import { CelList, Opaque, Optional, optionalNone } from '../values.ts'
import {
  asPrefix,
  type Check,
  dns1035Label,
  dns1123Label,
  dns1123Subdomain,
  labelValue,
  qualifiedName,
} from './names.ts'
import { uriFault } from './urls.ts'

const formatType = opaqueType('kubernetes.NamedFormat')

class Format extends Opaque {
  readonly typeName = formatType.name
  readonly check: Check
  /** How long a pattern would be that says the same; only the count of costs asks. */
  readonly #patternSize: number

  constructor(check: Check, patternSize: number) {
    super()
    this.check = check
    this.#patternSize = patternSize
  }

  override get size(): number {
    return this.#patternSize
  }
}

/** A check that knows one message. */
const simple =
  (holds: (text: string) => boolean, message: string): Check =>
  (text) =>
    holds(text) ? [] : [message]

const uuid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

const formats: Readonly<Record<string, Format>> = {
  dns1123Label: new Format(dns1123Label, 30),
  dns1123Subdomain: new Format(dns1123Subdomain, 60),
  dns1035Label: new Format(dns1035Label, 30),
  qualifiedName: new Format(qualifiedName, 60),
  dns1123LabelPrefix: new Format(asPrefix(dns1123Label), 30),
  dns1123SubdomainPrefix: new Format(asPrefix(dns1123Subdomain), 60),
  dns1035LabelPrefix: new Format(asPrefix(dns1035Label), 30),
  labelValue: new Format(labelValue, 40),
  uri: new Format((text) => {
    const fault = uriFault(text)
    return fault === undefined ? [] : [fault]
  }, 1000),
  uuid: new Format(
    simple((text) => uuid.test(text), 'does not match the UUID format'),
    100,
  ),
  byte: new Format(
    simple((text) => text !== '' && base64.test(text), 'invalid base64'),
    90,
  ),
  date: new Format(
    simple((text) => parseDate(text) !== undefined, 'invalid date'),
    120,
  ),
  datetime: new Format(
    simple((text) => parseTimestamp(text) !== undefined, 'invalid datetime'),
    120,
  ),
}

const constants: Record<string, readonly Overload[]> = Object.fromEntries(
  Object.entries(formats).map(([name, format]) => [
    `format.${name}`,
    [overload(`format.${name}`, [], formatType, () => format)],
  ]),
)

export const formatLibrary: Library = {
  types: { [formatType.name]: formatType },
  functions: {
    ...constants,
    'format.named': [
      overload('format-named', [string], optionalOf(formatType), (name: string) =>
        Object.hasOwn(formats, name) ? new Optional(formats[name]!) : optionalNone,
      ),
    ],
    validate: [
      member('format-validate', [formatType, string], optionalOf(listOf(string)), ({ check }: Format, text: string) => {
        const faults = check(text)
        return faults.length === 0 ? optionalNone : new Optional(new CelList(faults))
      }),
    ],
  },
}
