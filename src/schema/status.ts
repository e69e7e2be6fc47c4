/**
 * What the API says when a request did not do what it asked: a `Status` object, and the error that carries it.
 * The table of reasons is the reference's (`metav1.StatusReason`).
 */

/** Every reason with its HTTP code. */
export const reasons = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Expired: 410,
  Gone: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  ServerTimeout: 500,
  Timeout: 504,
  StorageReadError: 500,
} as const

export type Reason = keyof typeof reasons

export interface StatusCause {
  readonly reason?: string
  readonly message?: string
  readonly field?: string
}

export interface StatusDetails {
  readonly name?: string
  readonly group?: string
  readonly kind?: string
  readonly uid?: string
  readonly causes?: readonly StatusCause[]
  readonly retryAfterSeconds?: number
}

export interface Status {
  readonly kind: 'Status'
  readonly apiVersion: 'v1'
  readonly metadata: Readonly<Record<string, unknown>>
  readonly status: 'Success' | 'Failure'
  readonly message?: string
  readonly reason?: Reason | ''
  readonly details?: StatusDetails
  readonly code?: number
}

export interface ApiErrorOptions {
  readonly details?: StatusDetails
  /** The HTTP code, where it is not the reason's own. */
  readonly code?: number
  readonly cause?: unknown
  /** The metadata of the Status: a token to go on with, when a list expired. */
  readonly metadata?: Readonly<Record<string, unknown>>
}

/** A request that failed in a way the API has a word for. */
export class ApiError extends Error {
  /** Empty where the reference leaves it out. */
  readonly reason: Reason | ''
  readonly code: number
  readonly details: StatusDetails | undefined
  readonly metadata: Readonly<Record<string, unknown>>

  constructor(reason: Reason | '', message: string, options: ApiErrorOptions = {}) {
    super(message, { cause: options.cause })
    this.reason = reason
    this.code = options.code ?? (reason === '' ? 500 : reasons[reason])
    this.details = options.details
    this.metadata = options.metadata ?? {}
  }

  toStatus(): Status {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: this.metadata,
      status: 'Failure',
      message: this.message,
      ...(this.reason !== '' && { reason: this.reason }),
      ...(this.details && { details: this.details }),
      code: this.code,
    }
  }

  /** The error that a `Status` from a server stands for. */
  static from(status: Status): ApiError {
    return new ApiError(status.reason ?? '', status.message ?? 'unknown error', {
      ...(status.details && { details: status.details }),
      ...(status.metadata && { metadata: status.metadata }),
      ...(status.code !== undefined && { code: status.code }),
    })
  }
}

export const isNotFound = (error: unknown): boolean => hasReason(error, 'NotFound')
export const isAlreadyExists = (error: unknown): boolean => hasReason(error, 'AlreadyExists')
export const isConflict = (error: unknown): boolean => hasReason(error, 'Conflict')
export const isExpired = (error: unknown): boolean => hasReason(error, 'Expired') || hasReason(error, 'Gone')
export const isForbidden = (error: unknown): boolean => hasReason(error, 'Forbidden')
export const isInvalid = (error: unknown): boolean => hasReason(error, 'Invalid')
export const isUnavailable = (error: unknown): boolean => hasReason(error, 'ServiceUnavailable')
export const isTooManyRequests = (error: unknown): boolean => hasReason(error, 'TooManyRequests')

function hasReason(error: unknown, reason: Reason): boolean {
  return error instanceof ApiError && error.reason === reason
}

/** What errors and details name: the resource (`deployments.apps`) or the kind. */
export interface GroupResource {
  readonly group: string
  readonly resource: string
}

const qualified = ({ group, resource }: GroupResource) => (group === '' ? resource : `${resource}.${group}`)
const groupDetail = (group: string) => (group === '' ? {} : { group })

export function notFound(resource: GroupResource, name: string): ApiError {
  return new ApiError('NotFound', `${qualified(resource)} "${name}" not found`, {
    details: { name, ...groupDetail(resource.group), kind: resource.resource },
  })
}

export function alreadyExists(resource: GroupResource, name: string): ApiError {
  return new ApiError('AlreadyExists', `${qualified(resource)} "${name}" already exists`, {
    details: { name, ...groupDetail(resource.group), kind: resource.resource },
  })
}

export function conflict(resource: GroupResource, name: string, why: string): ApiError {
  return new ApiError('Conflict', `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`, {
    details: { name, ...groupDetail(resource.group), kind: resource.resource },
  })
}

/** The words of the optimistic lock: somebody else wrote the object since it was read. */
export const modifiedMessage =
  'the object has been modified; please apply your changes to the latest version and try again'

export function forbidden(resource: GroupResource, name: string, why: string): ApiError {
  const message =
    name === ''
      ? `${qualified(resource)} is forbidden: ${why}`
      : `${qualified(resource)} "${name}" is forbidden: ${why}`
  return new ApiError('Forbidden', message, {
    details: { ...(name !== '' && { name }), ...groupDetail(resource.group), kind: resource.resource },
  })
}

export const badRequest = (message: string): ApiError => new ApiError('BadRequest', message)
