import type { ApiObject, Column, ColumnContext } from '../../schema/kind.ts'
import { ageSince, nameColumn, textColumn, wideColumn } from '../columns.ts'
import type { Event } from './event.ts'

/** The columns of both versions of events; `toCore` gives the fields the names of the core group. */
export function eventColumns<T extends ApiObject>(toCore: (event: T) => Event): readonly Column<T>[] {
  return [
    textColumn('Last Seen', 'When it happened last.', (event: T, context) => lastSeen(toCore(event), context)),
    textColumn('Type', 'Normal, or Warning.', (event: T) => toCore(event).type ?? ''),
    textColumn('Reason', 'Why, in one word.', (event: T) => toCore(event).reason ?? ''),
    textColumn('Object', 'What it happened to.', (event: T) => objectText(toCore(event))),
    wideColumn('Subobject', 'Which part of the object.', (event: T) => toCore(event).involvedObject.fieldPath ?? ''),
    wideColumn('Source', 'Who reports it, and from where.', (event: T) => sourceText(toCore(event))),
    textColumn('Message', 'What happened.', (event: T) => (toCore(event).message ?? '').trim()),
    wideColumn('First Seen', 'When it happened first.', (event: T, context) => firstSeen(toCore(event), context)),
    wideColumn('Count', 'How many times it has happened.', (event: T) => countOf(toCore(event))),
    { ...nameColumn, priority: 1 },
  ]
}

function firstSeen({ firstTimestamp, eventTime }: Event, context: ColumnContext): string {
  return ageSince(firstTimestamp || eventTime, context)
}

function lastSeen(event: Event, context: ColumnContext): string {
  if (event.series) return ageSince(event.series.lastObservedTime, context)
  return event.lastTimestamp ? ageSince(event.lastTimestamp, context) : firstSeen(event, context)
}

/** An event that is told once has no count. */
function countOf({ series, count }: Event): number {
  return series ? (series.count ?? 0) : count || 1
}

function objectText({ involvedObject: { kind = '', name } }: Event): string {
  return name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase()
}

function sourceText({ source, reportingComponent, reportingInstance }: Event): string {
  const component = source.component || reportingComponent
  const instance = source.host || reportingInstance
  return instance ? `${component}, ${instance}` : component
}
