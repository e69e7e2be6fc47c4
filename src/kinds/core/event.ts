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

export const EventSeries = object('io.k8s.api.core.v1.EventSeries', 'Says that an event repeats.', {
  count: optional(1, int32, 'How often it has happened so far.'),
  lastObservedTime: embedded(2, microTime, 'When it happened last.'),
})
export interface EventSeries extends Infer<typeof EventSeries> {}

export const eventSchema = object(
  'io.k8s.api.core.v1.Event',
  'Something that happened to an object; kept for a limited time, one hour by default.',
  {
    ...typeMeta,
    metadata: required(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    involvedObject: required(2, ObjectReference, 'The object that the event is about.'),
    reason: optional(3, string, 'Why it happened, as one CamelCase word for programs.'),
    message: optional(4, string, 'What happened, in words for people.'),
    source: embedded(5, EventSource, 'The component that reports, in the old form.'),
    firstTimestamp: embedded(6, time, 'When it happened first.'),
    lastTimestamp: embedded(7, time, 'When it happened last.'),
    count: optional(8, int32, 'How often it has happened.'),
    type: optional(9, string, 'Normal or Warning.'),
    eventTime: embedded(10, microTime, 'When the event was first observed; set by the new form of events.'),
    series: explicit(11, EventSeries, 'Says how often the event repeats; absent for a single one.'),
    action: optional(12, string, 'What was done or failed, as seen from the object.'),
    related: explicit(13, ObjectReference, 'A second object that has a part in it.'),
    reportingComponent: embedded(14, string, 'Name of the controller that reports, such as kubernetes.io/kubelet.'),
    reportingInstance: embedded(15, string, 'Which instance of that controller reports.'),
  },
)
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
