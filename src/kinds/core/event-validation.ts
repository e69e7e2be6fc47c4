/**
 * The rules for events of both versions, on the form of the core group. The paths are those of the core group for
 * both, as in the reference, and some messages show `""` for the value.
 */

import type { FieldErrors } from '../../schema/field-errors.ts'
import { dnsSubdomainFaults, qualifiedNameFaults } from '../../schema/names.ts'
import { invalidAll, keepsValue } from '../rules.ts'
import type { Event } from './event.ts'

const maxWordLength = 128
const maxMessageLength = 1024

/** What every event has to keep to; the only rules of the core version. */
export function validateLegacyEvent(
  event: Event,
  reporterField: 'reportingComponent' | 'reportingController',
  errors: FieldErrors,
): void {
  const { namespace = '' } = event.metadata
  const objectNamespace = event.involvedObject.namespace ?? ''
  if (!event.eventTime) {
    const fits = objectNamespace === '' ? namespace === '' || namespace === 'default' : objectNamespace === namespace
    if (!fits) errors.invalid('involvedObject.namespace', objectNamespace, 'does not match event.namespace')
  } else {
    if (objectNamespace === '' && namespace !== 'default' && namespace !== 'kube-system') {
      errors.invalid('involvedObject.namespace', objectNamespace, 'does not match event.namespace')
    }
    validateReporter(event, reporterField, errors)
  }
  invalidAll('namespace', namespace, dnsSubdomainFaults(namespace), errors)
}

/** Events that say when they happened also say who saw it, doing what. */
function validateReporter(event: Event, reporterField: string, errors: FieldErrors): void {
  const reporter = event.reportingComponent ?? ''
  if (reporter === '') errors.required(reporterField)
  invalidAll(reporterField, reporter, qualifiedNameFaults(reporter), errors)
  validateText('reportingInstance', event.reportingInstance, errors)
  validateText('action', event.action, errors)
  validateText('reason', event.reason, errors)
  if (Buffer.byteLength(event.message ?? '') > maxMessageLength) {
    errors.invalid('message', '', `can have at most ${maxMessageLength} characters`)
  }
}

function validateText(path: string, text: string | undefined, errors: FieldErrors): void {
  if (!text) errors.required(path)
  else if (Buffer.byteLength(text) > maxWordLength) {
    errors.invalid(path, '', `can have at most ${maxWordLength} characters`)
  }
}

/** The rules of events.k8s.io/v1. */
export function validateEvent(event: Event, errors: FieldErrors): void {
  validateLegacyEvent(event, 'reportingController', errors)
  validateSeries(event, errors)
  if (!event.eventTime) errors.required('eventTime')
  if (event.type !== 'Normal' && event.type !== 'Warning') {
    errors.invalid('type', '', `has invalid value: ${event.type ?? ''}`)
  }
  const unset = 'needs to be unset'
  if (event.firstTimestamp) errors.invalid('firstTimestamp', '', unset)
  if (event.lastTimestamp) errors.invalid('lastTimestamp', '', unset)
  if (event.count) errors.invalid('count', '', unset)
  if (event.source?.component || event.source?.host) errors.invalid('source', '', unset)
}

function validateSeries({ series }: Event, errors: FieldErrors): void {
  if (!series) return
  if ((series.count ?? 0) < 2) errors.invalid('series.count', '', 'should be at least 2')
  if (!series.lastObservedTime) errors.required('series.lastObservedTime')
}

/** `reason` stands twice: the reference checks it twice, and clients see both. */
const fixedFields = [
  'involvedObject',
  'reason',
  'message',
  'source',
  'firstTimestamp',
  'lastTimestamp',
  'count',
  'reason',
  'type',
  'eventTime',
  'action',
  'related',
] as const

/** The rules of events.k8s.io/v1 for an update: only the series goes on. */
export function validateEventUpdate(event: Event, old: Event, errors: FieldErrors): void {
  validateLegacyEvent(event, 'reportingController', errors)
  if (JSON.stringify(event.series) !== JSON.stringify(old.series)) validateSeries(event, errors)
  for (const field of fixedFields) keepsValue(field, event[field], old[field], errors)
  keepsValue('reportingController', event.reportingComponent, old.reportingComponent, errors)
  keepsValue('reportingInstance', event.reportingInstance, old.reportingInstance, errors)
}
