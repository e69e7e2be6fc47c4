import type { Client } from '../../client/client.ts'
import { HttpClient } from '../../client/http.ts'
import type { KubeconfigEndpoint } from '../../client/kubeconfig.ts'
import type { Clock, Log } from '../../world/world.ts'

/** A client for an endpoint, to be closed by whoever asked for it. */
export type Connect = (endpoint: KubeconfigEndpoint) => Client & AsyncDisposable

/** Over HTTPS. */
export function httpConnect(world: { readonly clock: Clock; readonly log: Log }): Connect {
  return (endpoint) => new HttpClient({ ...endpoint, clock: world.clock, log: world.log })
}
