import type { HostWorld } from '../../world/world.ts'

/** Answers `ok` on `/healthz`, without TLS, for those on the same host. Port 0: any free one. */
export async function startHealthPort(
  { host, port }: { readonly host: string; readonly port: number },
  { network }: HostWorld,
): Promise<{ close(): Promise<void> } | undefined> {
  if (!network.serveText) return undefined
  return network.serveText({ host, port }, (path) =>
    path.split('?')[0] === '/healthz' ? { status: 200, body: 'ok' } : { status: 404, body: '404 page not found\n' },
  )
}
