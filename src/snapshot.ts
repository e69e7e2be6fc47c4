import { startupSnapshot } from 'node:v8'
import { readAccessFlags } from './apiserver/access/flags.ts'
import { accessFlagsOf } from './cli/access-flags.ts'
import { type CommandContext, runCommand } from './cli/command.ts'
import { up } from './cli/commands/up.ts'
import { startCluster } from './cluster/cluster.ts'
import { putIntoKubeconfig } from './lifecycle/kubeconfig.ts'
import { loadOrCreatePki, serverHosts } from './lifecycle/pki-store.ts'
import { runProgram } from './program.ts'
import { VirtualHost } from './world/virtual-host.ts'

/**
 * The program as an image of its memory (`node --build-snapshot`): all modules are loaded, and what starting a cluster
 * runs through has been compiled, as it was done once before. `tools/build.ts` makes the image, `./coracle` starts it.
 *
 * Nothing here may ask the real world: what it answers would be the same in every process that begins with the image.
 */
async function rehearse(): Promise<void> {
  const context = { world: new VirtualHost(), env: {}, print() {}, interrupted: Promise.resolve(), tellParent() {} }
  await runCommand([{ ...up, run: rehearseUp }], [up.name, '--ephemeral'], context, (line) => {
    throw new Error(line)
  })
}

/** As much of `up` as there is without sockets and a database. */
async function rehearseUp({ world, flags }: CommandContext): Promise<void> {
  const folder = '/rehearsal/pki'
  const request = { hosts: serverHosts('127.0.0.1', '10.96.0.1'), tools: world }
  // Made, and found again.
  await loadOrCreatePki(world.disk, folder, request)
  const { authority, admin, frontProxy } = await loadOrCreatePki(world.disk, folder, request)
  const access = await readAccessFlags(accessFlagsOf(flags), (path) => world.disk.read(path), [])
  const entry = {
    name: 'rehearsal',
    server: 'https://127.0.0.1:6443',
    certificateAuthority: authority.certificate,
    clientCertificate: admin.certificate,
    clientKey: admin.key,
  }
  putIntoKubeconfig(putIntoKubeconfig(undefined, entry), entry)
  const cluster = await startCluster({
    time: 'virtual',
    nodes: 3,
    identity: 'rehearsal',
    access,
    certificateAuthority: authority.certificate,
    certificateAuthorityKey: authority.key,
    frontProxy: { authority: frontProxy.authority.certificate, ...frontProxy.client },
  })
  await cluster.settle()
  await cluster[Symbol.asyncDispose]()
}

/** Node's own combines signals by way of the collector, and what waits for the collector cannot be in an image. */
function combine(signals: Iterable<AbortSignal>): AbortSignal {
  const combined = new AbortController()
  for (const signal of signals) {
    if (signal.aborted) combined.abort(signal.reason)
    signal.addEventListener('abort', () => combined.abort(signal.reason), { once: true })
  }
  return combined.signal
}

const { any } = AbortSignal
AbortSignal.any = combine
void rehearse().then(() => {
  AbortSignal.any = any
})

startupSnapshot.setDeserializeMainFunction(() => {
  // `tools/build.ts` has set it to 0.
  Error.stackTraceLimit = 10
  void runProgram()
})
