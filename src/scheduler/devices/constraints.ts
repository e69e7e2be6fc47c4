import type { DeviceConstraint } from '../../kinds/resource/shared.ts'
import type { Offer } from './pools.ts'
import { splitName } from './selectors.ts'

/** What several devices of a claim must have in common, or not. */
export interface Constraint {
  /** Whether the device may join those that were added; it has when it may. */
  add(request: string, offer: Offer): boolean
  /** Takes back the latest addition. */
  remove(request: string, offer: Offer): void
}

/** `request` is `main` or, for an alternative, `main/sub`; a constraint may mean either. */
export function constraintOf({ requests, matchAttribute, distinctAttribute }: DeviceConstraint): Constraint {
  const means = (request: string) =>
    !requests?.length || requests.includes(request) || requests.includes(request.split('/', 1)[0]!)
  const members: string[] = []
  const attribute = matchAttribute ?? distinctAttribute ?? ''
  const isAllowed = (value: string) =>
    matchAttribute === undefined ? !members.includes(value) : members.length === 0 || members[0] === value
  return {
    add(request, offer) {
      if (!means(request)) return true
      const value = attributeOf(offer, attribute)
      if (value === undefined || !isAllowed(value)) return false
      members.push(value)
      return true
    },
    remove(request) {
      if (means(request)) members.pop()
    },
  }
}

/** An attribute's value by its full name, as text that is the same for equal values of one type. */
function attributeOf({ driver, device }: Offer, fullName: string): string | undefined {
  const [domain, name] = splitName(fullName, driver)
  const found = device.attributes?.[fullName] ?? (domain === driver ? device.attributes?.[name] : undefined)
  return found === undefined ? undefined : JSON.stringify(found)
}
