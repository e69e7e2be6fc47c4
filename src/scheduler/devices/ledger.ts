import type { AllocationResult, ResourceClaim } from '../../kinds/resource/resource-claim.ts'
import type { ResourceSlice } from '../../kinds/resource/resource-slice.ts'
import { deviceKey, Pools } from './pools.ts'

/** Which devices there are, and which are given away; kept up to date by changes. */
export class DeviceLedger {
  readonly #slices = new Map<string, ResourceSlice>()
  #pools: Pools | undefined
  /** Device → how many claims have it. */
  readonly #used = new Map<string, number>()
  /** Claim → what it is to have, before the API says so. */
  readonly #pending = new Map<string, AllocationResult>()

  get pools(): Pools {
    this.#pools ??= new Pools(this.#slices.values())
    return this.#pools
  }

  sliceChanged(slice: ResourceSlice | undefined, old: ResourceSlice | undefined): void {
    this.#pools = undefined
    const name = (slice ?? old)!.metadata.name!
    if (slice) this.#slices.set(name, slice)
    else this.#slices.delete(name)
  }

  claimChanged(claim: ResourceClaim | undefined, old: ResourceClaim | undefined): void {
    if (claim?.status?.allocation === old?.status?.allocation) return
    this.#count(old?.status?.allocation, -1)
    this.#count(claim?.status?.allocation, 1)
  }

  isUsed(device: string): boolean {
    return this.#used.has(device)
  }

  /** Whether somebody is writing what the claim gets. */
  isPending(claimUid: string): boolean {
    return this.#pending.has(claimUid)
  }

  /** The claim has these devices from now on. */
  take(claimUid: string, allocation: AllocationResult): void {
    this.release(claimUid)
    this.#pending.set(claimUid, allocation)
    this.#count(allocation, 1)
  }

  /** What was taken counts no more, but for what the API says. */
  release(claimUid: string): void {
    this.#count(this.#pending.get(claimUid), -1)
    this.#pending.delete(claimUid)
  }

  #count(allocation: AllocationResult | undefined, sign: 1 | -1): void {
    for (const { driver, pool, device, adminAccess } of allocation?.devices?.results ?? []) {
      // Who only looks after a device keeps nobody else from it.
      if (adminAccess) continue
      const key = deviceKey(driver, pool, device)
      const users = (this.#used.get(key) ?? 0) + sign
      if (users > 0) this.#used.set(key, users)
      else this.#used.delete(key)
    }
  }
}
