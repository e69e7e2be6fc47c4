import type { UserInfo } from '../context.ts'
import type { ApiRequest, ApiResponse } from '../request.ts'
import type { RequestInfo } from '../request-info.ts'
import { lastsLong } from '../timeout.ts'
import type { FlowAdmission, Place } from './admission.ts'
import { TooBusyError } from './too-busy.ts'

/**
 * What the server does without priorities (`--enable-priority-and-fairness=false`): so many requests that read and so
 * many that write are answered at once, and whoever comes then is turned away, but for the masters.
 */
export class InFlight implements FlowAdmission {
  readonly #reading: Room
  readonly #writing: Room

  /** 0: as many as come. */
  constructor(reading: number, writing: number) {
    this.#reading = new Room(reading)
    this.#writing = new Room(writing)
  }

  admit({ method }: ApiRequest, info: RequestInfo, { groups }: UserInfo): Place | undefined {
    if (info.verb === 'watch' || lastsLong(info)) return undefined
    const room = method === 'GET' || method === 'HEAD' ? this.#reading : this.#writing
    if (room.size === 0) return undefined
    if (room.taken < room.size) return new RoomPlace(room)
    if (groups.includes('system:masters')) return undefined
    throw new TooBusyError(undefined, 1)
  }
}

class Room {
  readonly size: number
  taken = 0

  constructor(size: number) {
    this.size = size
  }
}

class RoomPlace implements Place {
  readonly isForBeginning = false
  readonly isScarce = true
  #room: Room | undefined

  constructor(room: Room) {
    this.#room = room
    room.taken++
  }

  marked(response: ApiResponse): ApiResponse {
    return response
  }

  leave(): void {
    if (this.#room !== undefined) this.#room.taken--
    this.#room = undefined
  }
}
