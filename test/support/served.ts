import { HttpClient, type HttpClientOptions } from '../../src/client/http.ts'
import { type ServedCluster, type ServeOptions, serveCluster } from '../../src/cluster/serve.ts'
import { hostWorld } from '../../src/world/host.ts'

/** The real world, without its log. */
export const quietWorld = hostWorld(() => {})

/** A cluster behind a socket of its own, in memory and without controllers unless told otherwise. */
export function serve(options: Partial<ServeOptions> = {}): Promise<ServedCluster> {
  return serveCluster({ world: quietWorld, host: '127.0.0.1', port: 0, nodes: 0, apiOnly: true, ...options })
}

/** The administrator's client of such a cluster. */
export function clientOf(served: ServedCluster, options: Partial<HttpClientOptions> = {}): HttpClient {
  return new HttpClient({ ...quietWorld, ...served.admin, ...options })
}
