import { startupSnapshot } from 'node:v8'
import { startCluster } from './cluster/cluster.ts'
import { putIntoKubeconfig } from './lifecycle/kubeconfig.ts'
import { createPki } from './lifecycle/pki-store.ts'
import { runProgram } from './program.ts'
import { VirtualWorld } from './world/virtual.ts'

/**
 * The program as an image of its memory (`node --build-snapshot`): all modules are loaded, and what starting a cluster
 * runs through has been compiled, as it was done once before. `tools/build.ts` makes the image, `./coracle` starts it.
 *
 * Nothing here may ask the real world: what it answers would be the same in every process that begins with the image.
 */
async function rehearse(): Promise<void> {
  const tools = new VirtualWorld()
  const pki = createPki({ hosts: ['127.0.0.1', '::1', 'localhost'], tools })
  const entry = {
    name: 'rehearsal',
    server: 'https://127.0.0.1:6443',
    certificateAuthority: pki.authority.certificate,
    clientCertificate: pki.admin.certificate,
    clientKey: pki.admin.key,
  }
  putIntoKubeconfig(putIntoKubeconfig(undefined, entry), entry)
  const cluster = await startCluster({ time: 'virtual', nodes: 3, identity: 'rehearsal' })
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
