import type { DeviceClass } from '../../kinds/resource/device-class.ts'
import type { DeviceRequest, DeviceSubRequest, ExactDeviceRequest } from '../../kinds/resource/shared.ts'

/** What is asked for: a request, or one of its alternatives. */
export interface Wanted {
  /** `main`, or `main/sub` for an alternative. */
  readonly name: string
  readonly deviceClass: DeviceClass
  readonly what: ExactDeviceRequest | DeviceSubRequest
  /** How many devices; all that there are when it is not said. */
  readonly count: number | undefined
  readonly adminAccess: boolean
  /** Which of the alternatives it is. */
  readonly rank: number
}

/** What would meet a request, the best first. `classOf` knows all classes that the request names. */
export function alternativesOf(request: DeviceRequest, classOf: (name: string) => DeviceClass): readonly Wanted[] {
  const { name, exactly, firstAvailable = [] } = request
  const wanted = (what: ExactDeviceRequest | DeviceSubRequest, full: string, rank: number): Wanted => ({
    name: full,
    deviceClass: classOf(what.deviceClassName),
    what,
    count: what.allocationMode === 'All' ? undefined : Number(what.count ?? 1),
    adminAccess: 'adminAccess' in what && what.adminAccess === true,
    rank,
  })
  if (exactly) return [wanted(exactly, name, 0)]
  return firstAvailable.map((sub, at) => wanted(sub, `${name}/${sub.name}`, at))
}

/** The classes that a request names, each with what names it: `main`, `main/sub`. */
export const classesNamed = ({ name, exactly, firstAvailable = [] }: DeviceRequest): readonly [string, string][] =>
  exactly
    ? [[name, exactly.deviceClassName]]
    : firstAvailable.map((sub) => [`${name}/${sub.name}`, sub.deviceClassName])
