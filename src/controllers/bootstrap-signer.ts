import { ConfigMap } from '../kinds/core/config-map.ts'
import { Secret } from '../kinds/core/secret.ts'
import { again, update } from '../reconciler/changes.ts'
import { type Context, type Controller, defineController, watch } from '../reconciler/controller.ts'
import { detachedSignature } from './bootstrap/signature.ts'
import { expiryOf, isBootstrapToken, textIn, tokenNamespace } from './bootstrap/token.ts'
import { isEqual } from './shared/equal.ts'

const clusterInfo = { namespace: 'kube-public', name: 'cluster-info' } as const
const signaturePrefix = 'jws-kubeconfig-'

/**
 * Signs what `cluster-info` says about the cluster with every bootstrap token that may sign: a node that knows a token
 * can tell by it that it has come to the right cluster, before it trusts any certificate.
 */
export const bootstrapSigner: Controller = defineController<ConfigMap>({
  name: 'bootstrap-signer-controller',
  serviceAccount: 'bootstrap-signer',
  reconciles: ConfigMap,
  watches: [
    watch(Secret, ({ object, old }) =>
      [object, old].some((each) => each && isBootstrapToken(each)) ? [clusterInfo] : [],
    ),
  ],
  wakes: ({ object }) => object !== undefined && isClusterInfo(object),

  *reconcile(configMap, context) {
    const kubeconfig = configMap.data?.kubeconfig
    if (!isClusterInfo(configMap) || kubeconfig === undefined) return
    const tokens = signingTokens(context)
    const others = Object.entries(configMap.data ?? {}).filter(([key]) => !key.startsWith(signaturePrefix))
    const signatures = tokens.map((token) => {
      const id = textIn(token, 'token-id')
      return [signaturePrefix + id, detachedSignature(kubeconfig, id, textIn(token, 'token-secret'))] as const
    })
    const data = Object.fromEntries([...others, ...signatures])
    if (!isEqual(data, configMap.data)) yield update(ConfigMap, { ...configMap, data })
    const next = Math.min(...tokens.map(expiryOf))
    if (Number.isFinite(next)) yield again(next - context.now)
  },
})

const isClusterInfo = ({ metadata }: ConfigMap) =>
  metadata.name === clusterInfo.name && metadata.namespace === clusterInfo.namespace

function signingTokens({ list, now }: Context): readonly Secret[] {
  return list(Secret, tokenNamespace).filter(
    (secret) =>
      isBootstrapToken(secret) &&
      textIn(secret, 'token-id') !== '' &&
      textIn(secret, 'token-secret') !== '' &&
      textIn(secret, 'usage-bootstrap-signing') === 'true' &&
      expiryOf(secret) > now,
  )
}
