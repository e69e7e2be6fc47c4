import { clientConformance } from '../src/client/conformance.ts'
import { ConfigMap } from '../src/kinds/core/config-map.ts'
import { Namespace } from '../src/kinds/core/namespace.ts'
import { clientOf, serve } from './support/served.ts'

clientConformance('over HTTPS', async () => {
  const served = await serve()
  const client = clientOf(served)
  await client.create(Namespace, { metadata: { name: 'n' } })
  return {
    client,
    namespace: 'n',
    compact: () => served.cluster.store.compact(served.cluster.store.revision),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]()
      await served[Symbol.asyncDispose]()
    },
  }
})
