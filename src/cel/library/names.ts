/** What names of Kubernetes may look like, with the messages for those that do not. Each gives the faults of a text. */

export type Check = (text: string) => string[]

const labelForm = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const subdomainForm = `${labelForm}(\\.${labelForm})*`
const label1035Form = '[a-z]([-a-z0-9]*[a-z0-9])?'
const qualifiedForm = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const labelValueForm = `(${qualifiedForm})?`

const label = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/
const label1035 = /^[a-z](?:[-a-z0-9]*[a-z0-9])?$/
const qualified = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/

const tooLong = (limit: number) => `must be no more than ${limit} bytes`

const wrongForm = (rule: string, examples: readonly string[], form: string) =>
  `${rule} (e.g. ${examples.map((example) => `'${example}'`).join(',  or ')}, regex used for validation is '${form}')`

function faultsOf(text: string, limit: number, valid: boolean, message: string): string[] {
  const faults = Buffer.byteLength(text) > limit ? [tooLong(limit)] : []
  return valid ? faults : [...faults, message]
}

/** A prefix may end with a dash: it is what comes before generated letters. */
export const asPrefix =
  (check: Check): Check =>
  (text) =>
    check(text.length > 1 && text.endsWith('-') ? `${text.slice(0, -2)}a` : text)

export const dns1123Label: Check = (text) =>
  faultsOf(
    text,
    63,
    label.test(text),
    wrongForm(
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
      ['my-name', '123-abc'],
      labelForm,
    ),
  )

export const dns1123Subdomain: Check = (text) =>
  faultsOf(
    text,
    253,
    text.length <= 1000 && text.split('.').every((part) => label.test(part)),
    wrongForm(
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
      ['example.com'],
      subdomainForm,
    ),
  )

export const dns1035Label: Check = (text) =>
  faultsOf(
    text,
    63,
    label1035.test(text),
    wrongForm(
      "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
      ['my-name', 'abc-123'],
      label1035Form,
    ),
  )

const qualifiedRule =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
const qualifiedExamples = ['MyName', 'my.name', '123-abc'] as const

export const qualifiedName: Check = (text) => {
  const parts = text.split('/')
  if (parts.length > 2)
    return [
      `a qualified name ${wrongForm(qualifiedRule, qualifiedExamples, qualifiedForm)} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ]
  const name = parts.at(-1)!
  const faults = parts.length === 2 ? prefixFaults(parts[0]!) : []
  if (name === '') faults.push('name part must be non-empty')
  else if (Buffer.byteLength(name) > 63) faults.push(`name part ${tooLong(63)}`)
  if (!qualified.test(name)) faults.push(`name part ${wrongForm(qualifiedRule, qualifiedExamples, qualifiedForm)}`)
  return faults
}

const prefixFaults = (text: string): string[] =>
  text === '' ? ['prefix part must be non-empty'] : dns1123Subdomain(text).map((fault) => `prefix part ${fault}`)

export const labelValue: Check = (text) =>
  faultsOf(
    text,
    63,
    text === '' || qualified.test(text),
    wrongForm(
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
      ['MyValue', 'my_value', '12345'],
      labelValueForm,
    ),
  )
