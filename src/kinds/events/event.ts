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
import { ObjectReference } from '../core/references.ts'
import { EventSource } from '../core/shared.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const EventSeries = object('io.k8s.api.events.v1.EventSeries', '', {
  count: required(1, int32, ''),
  lastObservedTime: required(2, microTime, ''),
})
export interface EventSeries extends Infer<typeof EventSeries> {}

export const eventSchema = object('io.k8s.api.events.v1.Event', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  eventTime: required(2, microTime, ''),
  series: explicit(3, EventSeries, ''),
  reportingController: optional(4, string, ''),
  reportingInstance: optional(5, string, ''),
  action: optional(6, string, ''),
  reason: optional(7, string, ''),
  regarding: embedded(8, ObjectReference, ''),
  related: explicit(9, ObjectReference, ''),
  note: optional(10, string, ''),
  type: optional(11, string, ''),
  deprecatedSource: embedded(12, EventSource, ''),
  deprecatedFirstTimestamp: embedded(13, time, ''),
  deprecatedLastTimestamp: embedded(14, time, ''),
  deprecatedCount: optional(15, int32, ''),
})
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
})
