import { ApiError, type StatusCause } from './status.ts'

/**
 * Collects what is wrong with an object, field by field, in the reference's words (`field.Error`).
 * Paths are strings such as `spec.containers[0].ports[1].hostPort` and `metadata.labels[a/b]`.
 */
export class FieldErrors {
  readonly causes: StatusCause[] = []

  get length(): number {
    return this.causes.length
  }

  required(path: string, detail = ''): void {
    this.#add('FieldValueRequired', path, 'Required value', detail)
  }

  invalid(path: string, value: unknown, detail: string): void {
    this.#add('FieldValueInvalid', path, `Invalid value: ${show(value)}`, detail)
  }

  /** `supported` is listed in the given order; the reference sorts it in most places. */
  notSupported(path: string, value: unknown, supported: readonly string[]): void {
    const detail =
      supported.length > 0 ? `supported values: ${supported.map((word) => JSON.stringify(word)).join(', ')}` : ''
    this.#add('FieldValueNotSupported', path, `Unsupported value: ${show(value)}`, detail)
  }

  forbidden(path: string, detail: string): void {
    this.#add('FieldValueForbidden', path, 'Forbidden', detail)
  }

  duplicate(path: string, value: unknown, detail = ''): void {
    this.#add('FieldValueDuplicate', path, `Duplicate value: ${show(value)}`, detail)
  }

  notFound(path: string, value: unknown, detail = ''): void {
    this.#add('FieldValueNotFound', path, `Not found: ${show(value)}`, detail)
  }

  tooLong(path: string, maxLength: number): void {
    this.#add('FieldValueTooLong', path, 'Too long', maxLength >= 0 ? `may not be more than ${maxLength} bytes` : '')
  }

  tooMany(path: string, actual: number, max: number): void {
    this.#add('FieldValueTooMany', path, `Too many: ${actual}`, `must have at most ${max} item${max === 1 ? '' : 's'}`)
  }

  typeInvalid(path: string, value: unknown, detail: string): void {
    this.#add('FieldValueTypeInvalid', path, `Invalid value: ${show(value)}`, detail)
  }

  /** A fault of which a rule gives the reason (`x-kubernetes-validations`). `value` undefined: it is not shown. */
  byReason(reason: string, path: string, value: unknown, detail: string): void {
    const shown = value === undefined ? '' : `: ${show(value)}`
    if (reason === 'FieldValueForbidden') this.forbidden(path, detail)
    else if (reason === 'FieldValueRequired') this.required(path, detail)
    else if (reason === 'FieldValueDuplicate') this.#add(reason, path, `Duplicate value${shown}`, detail)
    else this.#add('FieldValueInvalid', path, `Invalid value${shown}`, detail)
  }

  internal(path: string, detail: string): void {
    this.#add('InternalError', path, 'Internal error', detail)
  }

  #add(reason: string, field: string, words: string, detail: string): void {
    this.causes.push({ reason, message: detail === '' ? words : `${words}: ${detail}`, field })
  }

  /** The error of a request whose object has these faults: 422, every fault a cause. */
  toError(kind: { readonly group: string; readonly kind: string }, name: string): ApiError {
    const texts = [...new Set(this.causes.map((cause) => `${cause.field}: ${cause.message}`))]
    const list = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`
    const qualified = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`
    return new ApiError('Invalid', `${qualified} "${name}" is invalid: ${list}`, {
      details: {
        ...(name !== '' && { name }),
        ...(kind.group !== '' && { group: kind.group }),
        kind: kind.kind,
        causes: this.causes,
      },
    })
  }
}

/** A value as the reference shows it in an error: strings quoted, objects as JSON. */
function show(value: unknown): string {
  if (value === undefined || value === null) return 'null'
  return typeof value === 'string' ? goQuote(value) : goJson(value)
}

/** JSON as Go writes it where nobody says otherwise: safe to stand in HTML. */
export function goJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (letter) => {
    return `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** Quotes as Go's `%q`: like JSON, but control characters are `\\x07` and the like, and line separators stay. */
export function goQuote(text: string): string {
  return JSON.stringify(text).replace(/\\u00([01][0-9a-f])/g, '\\x$1')
}
