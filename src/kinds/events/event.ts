import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
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
import { Event as CoreEvent } from '../core/event.ts'
import { eventColumns } from '../core/event-columns.ts'
import { validateEvent, validateEventUpdate } from '../core/event-validation.ts'
import { ObjectReference } from '../core/references.ts'
import { EventSource } from '../core/shared.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const EventSeries = object('io.k8s.api.events.v1.EventSeries', 'Says that an event repeats.', {
  count: required(1, int32, 'How often it has happened so far.'),
  lastObservedTime: required(2, microTime, 'When it happened last.'),
})
export interface EventSeries extends Infer<typeof EventSeries> {}

export const eventSchema = object(
  'io.k8s.api.events.v1.Event',
  'Something that happened to an object; kept for a limited time, one hour by default.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    eventTime: required(2, microTime, 'When the event was first observed.'),
    series: explicit(3, EventSeries, 'Says how often the event repeats; absent for a single one.'),
    reportingController: optional(
      4,
      string,
      'Name of the controller that reports, such as kubernetes.io/kubelet; needed for new events.',
    ),
    reportingInstance: optional(
      5,
      string,
      'Which instance of that controller reports; needed for new events, at most 128 characters.',
    ),
    action: optional(
      6,
      string,
      'What was done or failed, as one word for programs; needed for new events, at most 128 characters.',
    ),
    reason: optional(7, string, 'Why it was done, as one CamelCase word for programs; at most 128 characters.'),
    regarding: embedded(8, ObjectReference, 'The object that the event is about.'),
    related: explicit(9, ObjectReference, 'A second object that has a part in it.'),
    note: optional(10, string, 'What happened, in words for people; at most 1 kB.'),
    type: optional(11, string, 'Normal or Warning.'),
    deprecatedSource: embedded(12, EventSource, 'The component that reports, in the old form.'),
    deprecatedFirstTimestamp: embedded(13, time, 'When it happened first, in the old form.'),
    deprecatedLastTimestamp: embedded(14, time, 'When it happened last, in the old form.'),
    deprecatedCount: optional(15, int32, 'How often it has happened, in the old form.'),
  },
)
export interface Event extends Infer<typeof eventSchema> {}

export const Event: Kind<Event> = defineKind<Event>({
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  namespaced: true,
  storageVersionHash: 'r2yiGXH7wu8=',
  schema: eventSchema,
  nameRule: subdomainNameRule,
  validate: (event, errors) => validateEvent(toCore(event), errors),
  validateUpdate: (event, old, errors) => validateEventUpdate(toCore(event), toCore(old), errors),
  storedAs: {
    group: '',
    version: 'v1',
    schema: CoreEvent.schema,
    toStored: (event) => toCore(event as Event),
    fromStored: (event) => fromCore(event as CoreEvent),
  },
  selectableFields: {
    'regarding.kind': ({ regarding }) => regarding.kind ?? '',
    'regarding.namespace': ({ regarding }) => regarding.namespace ?? '',
    'regarding.name': ({ regarding }) => regarding.name ?? '',
    'regarding.uid': ({ regarding }) => regarding.uid ?? '',
    'regarding.apiVersion': ({ regarding }) => regarding.apiVersion ?? '',
    'regarding.resourceVersion': ({ regarding }) => regarding.resourceVersion ?? '',
    'regarding.fieldPath': ({ regarding }) => regarding.fieldPath ?? '',
    reason: ({ reason }) => reason ?? '',
    reportingController: ({ reportingController }) => reportingController ?? '',
    type: ({ type }) => type ?? '',
  },
  createOnUpdate: true,
  ttlSeconds: 3600,
  columns: eventColumns(toCore),
})

/** Events are stored in the form of the core group, in which most fields have another name. */
function toCore(event: Event): CoreEvent {
  const { reportingController, regarding, note, deprecatedSource, ...rest } = event
  const { deprecatedFirstTimestamp, deprecatedLastTimestamp, deprecatedCount, ...same } = rest
  return {
    ...same,
    apiVersion: 'v1',
    kind: 'Event',
    involvedObject: regarding,
    message: note,
    source: deprecatedSource,
    firstTimestamp: deprecatedFirstTimestamp,
    lastTimestamp: deprecatedLastTimestamp,
    count: deprecatedCount,
    reportingComponent: reportingController ?? '',
    reportingInstance: event.reportingInstance ?? '',
  }
}

function fromCore(event: CoreEvent): Event {
  const { involvedObject, message, source, firstTimestamp, lastTimestamp, count, reportingComponent, ...same } = event
  return {
    ...same,
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    regarding: involvedObject,
    note: message,
    deprecatedSource: source,
    deprecatedFirstTimestamp: firstTimestamp,
    deprecatedLastTimestamp: lastTimestamp,
    deprecatedCount: count,
    reportingController: reportingComponent || undefined,
    reportingInstance: event.reportingInstance || undefined,
    series: event.series && { count: event.series.count ?? 0, lastObservedTime: event.series.lastObservedTime },
  }
}
