import { parseFieldSelector, parseLabelSelector } from '../../schema/selectors.ts'
import type { RequestInfo } from '../request-info.ts'
import type { Attributes } from './authz.ts'

const limited: ReadonlySet<string> = new Set(['list', 'watch', 'deletecollection'])

/** The selectors of a request for many objects, for authorizers that let somebody see some of them (KEP-4601). */
export function selectorsOf({ verb, query }: RequestInfo): Pick<Attributes, 'fieldSelector' | 'labelSelector'> {
  if (!limited.has(verb)) return {}
  const fields = query.get('fieldSelector') ?? ''
  const labels = query.get('labelSelector') ?? ''
  return {
    ...(fields !== '' && { fieldSelector: readable(() => parseFieldSelector(fields).terms) }),
    ...(labels !== '' && { labelSelector: readable(() => parseLabelSelector(labels).requirements) }),
  }
}

/** The request itself will be refused for a selector that cannot be read; here it limits nothing. */
export function readable<T>(read: () => readonly T[]): readonly T[] {
  try {
    return read()
  } catch {
    return []
  }
}
