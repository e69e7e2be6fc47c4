import type { FieldErrors } from '../../schema/field-errors.ts'
import { validateAnnotations, validateLabels } from '../../schema/meta-validation.ts'
import { checkOneOf } from '../core/field-checks.ts'
import { validateNotNegative } from '../rules.ts'
import type { CronJob } from './cron-job.ts'
import { CronError, parseCron } from './cron-schedule.ts'
import { validateJobSpecBody } from './job-spec-validation.ts'

/** The names of its jobs get eleven characters more. */
const maxNameLength = 52

export function validateCronJob(job: CronJob, errors: FieldErrors): void {
  const { name = '' } = job.metadata
  validateSpec(job, undefined, errors)
  if (name.length > maxNameLength)
    errors.invalid('metadata.name', name, `must be no more than ${maxNameLength} characters`)
}

export function validateCronJobUpdate(job: CronJob, old: CronJob, errors: FieldErrors): void {
  validateSpec(job, old, errors)
}

function validateSpec({ spec }: CronJob, old: CronJob | undefined, errors: FieldErrors): void {
  if (spec.schedule === '') errors.required('spec.schedule')
  else validateSchedule(spec.schedule, old?.spec.schedule === spec.schedule, errors)
  validateNotNegative('spec.startingDeadlineSeconds', spec.startingDeadlineSeconds, errors)
  if (spec.timeZone !== undefined && spec.timeZone !== old?.spec.timeZone) validateTimeZone(spec.timeZone, errors)
  const policy: string = spec.concurrencyPolicy ?? ''
  if (policy === '') errors.required('spec.concurrencyPolicy')
  else checkOneOf(errors, 'spec.concurrencyPolicy', policy, ['Allow', 'Forbid', 'Replace'])
  validateJobTemplate(spec.jobTemplate, errors)
  validateNotNegative('spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit, errors)
  validateNotNegative('spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit, errors)
}

function validateJobTemplate({ metadata, spec }: CronJob['spec']['jobTemplate'], errors: FieldErrors): void {
  validateLabels(metadata.labels, 'spec.jobTemplate.metadata.labels', errors)
  validateAnnotations(metadata.annotations, 'spec.jobTemplate.metadata.annotations', errors)
  validateJobSpecBody(spec, 'spec.jobTemplate.spec', errors)
  if (spec.manualSelector) {
    const causes = { reason: 'FieldValueNotSupported', field: 'spec.jobTemplate.spec.manualSelector' }
    errors.causes.push({ ...causes, message: 'Unsupported value: true: supported values: "nil", "false"' })
  }
}

/** Schedules from before zones had a field of their own may keep theirs. */
function validateSchedule(schedule: string, isOld: boolean, errors: FieldErrors): void {
  if (schedule.includes('TZ')) {
    if (isOld) return
    const detail = 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'
    return errors.invalid('spec.schedule', schedule, detail)
  }
  try {
    parseCron(schedule)
  } catch (error) {
    if (!(error instanceof CronError)) throw error
    errors.invalid('spec.schedule', schedule, error.message)
  }
}

function validateTimeZone(zone: string, errors: FieldErrors): void {
  const path = 'spec.timeZone'
  if (zone === '') return errors.invalid(path, zone, 'timeZone must be nil or non-empty string')
  if (zone.toLowerCase() === 'local') {
    const detail = 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones'
    return errors.invalid(path, zone, detail)
  }
  if (!isTimeZone(zone)) errors.invalid(path, zone, `unknown time zone ${zone}`)
}

const knownZones = new Map<string, boolean>()

function isTimeZone(zone: string): boolean {
  const known = knownZones.get(zone)
  if (known !== undefined) return known
  let valid = /^[A-Za-z][A-Za-z0-9_+\-/]*$/.test(zone)
  try {
    if (valid) new Intl.DateTimeFormat('en-US', { timeZone: zone })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    valid = false
  }
  if (knownZones.size > 1000) knownZones.clear()
  knownZones.set(zone, valid)
  return valid
}
