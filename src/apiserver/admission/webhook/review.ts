/** `AdmissionReview`: what a webhook is asked, and what it may answer. */

import { jsonWord } from '../../../schema/go-format.ts'
import { BodyError, parseJson } from '../../../schema/json.ts'
import type { Kind } from '../../../schema/kind.ts'
import type { Status } from '../../../schema/status.ts'
import { requestOf, type Subject } from '../dynamic/subject.ts'

export interface ReviewResponse {
  readonly allowed: boolean
  /** The text of a JSON patch; empty: the object stays. */
  readonly patch: string
  readonly patchType: string
  readonly result: Partial<Status> | undefined
  readonly warnings: readonly string[]
  readonly auditAnnotations: Readonly<Record<string, string>>
}

/** An answer that is none. */
export class ReviewError extends Error {}

const known = ['v1', 'v1beta1'] as const
type ReviewVersion = (typeof known)[number]

/** The first version of reviews that the webhook and this server understand. */
export const reviewVersionOf = (versions: readonly string[]): ReviewVersion | undefined =>
  versions.find((version): version is ReviewVersion => (known as readonly string[]).includes(version))

export function reviewOf(subject: Subject, as: Kind, version: ReviewVersion, uid: string): string {
  const { dryRun, options, userInfo, operation, ...what } = requestOf(subject, as)
  const { object, oldObject } = subject.view(as)
  const request = { uid, ...what, operation, userInfo, object, oldObject, dryRun, options }
  return JSON.stringify({ kind: 'AdmissionReview', apiVersion: `admission.k8s.io/${version}`, request })
}

/**
 * Reads what a webhook answered to a review.
 * @throws ReviewError when it is no answer to it, UnreadableReview when it is no review
 */
export function readReview(text: string, version: ReviewVersion, uid: string, mutates: boolean): ReviewResponse {
  const review = parse(text)
  const { apiVersion = '', kind = '' } = review
  const response = recordOf(review['response'])
  if (response === undefined) throw new ReviewError('webhook response was absent')
  if (version === 'v1') {
    if (response['uid'] !== uid) {
      throw new ReviewError(
        `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response['uid'] ?? '')}`,
      )
    }
    const got = kindText(String(apiVersion), String(kind))
    const expected = 'admission.k8s.io/v1, Kind=AdmissionReview'
    if (got !== expected) throw new ReviewError(`expected webhook response of ${expected}, got ${got}`)
  }
  return {
    allowed: response['allowed'] === true,
    ...patchOf(response, version, mutates),
    result: recordOf(response['status']),
    warnings: textsOf(response['warnings']),
    auditAnnotations: annotationsOf(response['auditAnnotations']),
  }
}

function patchOf(response: Loose, version: ReviewVersion, mutates: boolean): { patch: string; patchType: string } {
  const encoded = typeof response['patch'] === 'string' ? response['patch'] : ''
  const patch = Buffer.from(encoded, 'base64').toString('utf8')
  const type = response['patchType'] ?? undefined
  if (version === 'v1beta1') return { patch: mutates ? patch : '', patchType: 'JSONPatch' }
  if (!mutates) {
    if (patch !== '') throw new ReviewError('validating webhook may not return response.patch')
    if (type !== undefined) throw new ReviewError('validating webhook may not return response.patchType')
  }
  if (patch !== '' && type === undefined) {
    throw new ReviewError('webhook returned response.patch but not response.patchType')
  }
  if (patch === '' && type !== undefined) {
    throw new ReviewError('webhook returned response.patchType but not response.patch')
  }
  if (type === '') throw new ReviewError('webhook returned invalid response.patchType of ""')
  return { patch, patchType: String(type ?? '') }
}

type Loose = Readonly<Record<string, unknown>>

const recordOf = (value: unknown): Loose | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Loose) : undefined

const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []

const annotationsOf = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(recordOf(value) ?? {}).filter(([, text]) => typeof text === 'string')) as Record<
    string,
    string
  >

/** As Go prints it; the core group is empty. */
const kindText = (apiVersion: string, kind: string): string =>
  `${apiVersion.includes('/') ? apiVersion : `/${apiVersion}`}, Kind=${kind}`

function parse(text: string): Loose {
  const unreadable = (why: string) => new UnreadableReview(`couldn't get version/kind; json parse error: ${why}`)
  let value: unknown
  try {
    value = parseJson(Buffer.from(text)).value
  } catch (error) {
    throw error instanceof BodyError ? unreadable(error.message) : error
  }
  const review = recordOf(value)
  if (review !== undefined) return review
  throw unreadable(`json: cannot unmarshal ${jsonWord(value)} into Go value of type ${typeMetaText}`)
}

const typeMetaText =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'

/** An answer that cannot be read at all: the call has failed, rather than the answer being wrong. */
export class UnreadableReview extends Error {}
