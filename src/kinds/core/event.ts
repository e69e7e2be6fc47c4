import { defineKind, type Kind } from '../../schema/kind.ts'
import {
  embedded,
  explicit,
  type Infer,
  int32,
  microTime,
  object,
  optional,
  required,
  string,
  time,
} from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { eventColumns } from './event-columns.ts'
import { validateLegacyEvent } from './event-validation.ts'
import { ObjectReference } from './references.ts'
import { EventSource } from './shared.ts'

export const EventSeries = object('io.k8s.api.core.v1.EventSeries', '', {
  count: optional(1, int32, ''),
  lastObservedTime: embedded(2, microTime, ''),
})
export interface EventSeries extends Infer<typeof EventSeries> {}

export const eventSchema = object('io.k8s.api.core.v1.Event', '', {
  ...typeMeta,
  metadata: required(1, ObjectMeta, ''),
  involvedObject: required(2, ObjectReference, ''),
  reason: optional(3, string, ''),
  message: optional(4, string, ''),
  source: embedded(5, EventSource, ''),
  firstTimestamp: embedded(6, time, ''),
  lastTimestamp: embedded(7, time, ''),
  count: optional(8, int32, ''),
  type: optional(9, string, ''),
  eventTime: embedded(10, microTime, ''),
  series: explicit(11, EventSeries, ''),
  action: optional(12, string, ''),
  related: explicit(13, ObjectReference, ''),
  reportingComponent: embedded(14, string, ''),
  reportingInstance: embedded(15, string, ''),
})
export interface Event extends Infer<typeof eventSchema> {}

export const Event: Kind<Event> = defineKind<Event>({
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  namespaced: true,
  storageVersionHash: 'r2yiGXH7wu8=',
  schema: eventSchema,
  validate: (event, errors) => validateLegacyEvent(event, 'reportingComponent', errors),
  validateUpdate: (event, _old, errors) => validateLegacyEvent(event, 'reportingComponent', errors),
  selectableFields: {
    'involvedObject.kind': ({ involvedObject }) => involvedObject.kind ?? '',
    'involvedObject.namespace': ({ involvedObject }) => involvedObject.namespace ?? '',
    'involvedObject.name': ({ involvedObject }) => involvedObject.name ?? '',
    'involvedObject.uid': ({ involvedObject }) => involvedObject.uid ?? '',
    'involvedObject.apiVersion': ({ involvedObject }) => involvedObject.apiVersion ?? '',
    'involvedObject.resourceVersion': ({ involvedObject }) => involvedObject.resourceVersion ?? '',
    'involvedObject.fieldPath': ({ involvedObject }) => involvedObject.fieldPath ?? '',
    reason: ({ reason }) => reason ?? '',
    reportingComponent: ({ reportingComponent }) => reportingComponent,
    source: ({ source, reportingComponent }) => source.component || reportingComponent,
    type: ({ type }) => type ?? '',
  },
  createOnUpdate: true,
  ttlSeconds: 3600,
  columns: eventColumns((event: Event) => event),
})
