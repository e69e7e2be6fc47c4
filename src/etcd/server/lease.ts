/** Lease of etcd's protocol. A keep-alive of a lease that is gone is answered with a time to live of 0, as etcd does. */
import { LeaseNotFoundError, type Store } from '../../store/store.ts'
import { methods } from '../messages.ts'
import { type Route, streaming, unary } from './grpc.ts'
import type { Identity } from './identity.ts'

/** etcd gives no shorter one: one and a half times its usual election timeout, rounded up. */
const shortestTtlSeconds = 2

export function leaseRoutes(store: Store, identity: Identity): Route[] {
  const header = () => identity.header(store.revision)
  return [
    unary(methods.leaseGrant, async ({ ttl = 0, id = 0n }) => {
      const lease = await store.leaseGrant(Math.max(shortestTtlSeconds, ttl), id)
      return { header: header(), id: lease.id, ttl: lease.ttlSeconds, error: '' }
    }),
    unary(methods.leaseRevoke, async ({ id = 0n }) => {
      await store.leaseRevoke(id)
      return { header: header() }
    }),
    streaming(methods.leaseKeepAlive, (call) => {
      // Answers go out in the order of the questions.
      let last = Promise.resolve()
      call.listen(
        ({ id = 0n }) => {
          const renewed = store.leaseKeepAlive(id).then(({ ttlSeconds }) => ttlSeconds, zeroWhenGone)
          last = last
            .then(async () => call.send({ header: header(), id, ttl: await renewed }))
            .catch((error: unknown) => call.end(error))
        },
        () => void last.then(() => call.end()),
      )
    }),
    unary(methods.leaseTimeToLive, async ({ id = 0n, keys: asksKeys }) => {
      try {
        const { ttlSeconds, remainingSeconds, keys } = await store.leaseTimeToLive(id)
        const told = asksKeys ? { keys: [...keys] } : {}
        return { header: header(), id, ttl: remainingSeconds, grantedTtl: ttlSeconds, ...told }
      } catch (error) {
        if (error instanceof LeaseNotFoundError) return { header: header(), id, ttl: -1, grantedTtl: 0 }
        throw error
      }
    }),
    unary(methods.leaseLeases, async () => ({
      header: header(),
      leases: (await store.leases()).map((id) => ({ id })),
    })),
  ]
}

function zeroWhenGone(error: unknown): number {
  if (error instanceof LeaseNotFoundError) return 0
  throw error
}
