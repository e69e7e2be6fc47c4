import { ConfigMap } from '../kinds/core/config-map.ts'
import { Namespace } from '../kinds/core/namespace.ts'
import { create, update } from '../reconciler/changes.ts'
import { type Controller, defineController, watch } from '../reconciler/controller.ts'
import { isEqual } from './shared/equal.ts'
import { ifWelcome } from './shared/if-welcome.ts'

const name = 'kube-root-ca.crt'
const descriptionAnnotation = 'kubernetes.io/description'
const description =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the ' +
  'internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.'

/** Puts the certificate that signed the API server's into every namespace, where pods find it. Takes it as PEM text. */
export function rootCaController(certificate: string): Controller {
  const data = { 'ca.crt': certificate }
  return defineController<Namespace>({
    name: 'root-ca-certificate-publisher-controller',
    serviceAccount: 'root-ca-cert-publisher',
    reconciles: Namespace,
    writes: [ConfigMap],
    watches: [
      watch(ConfigMap, ({ object, old }) => {
        const { metadata } = object ?? old!
        return metadata.name === name ? [{ name: metadata.namespace! }] : []
      }),
    ],

    *reconcile(namespace, { get }) {
      if (namespace.status.phase === 'Terminating') return
      const present = get(ConfigMap, { namespace: namespace.metadata.name!, name })
      const annotations = { ...present?.metadata.annotations, [descriptionAnnotation]: description }
      if (present === undefined) {
        yield* ifWelcome(
          create(ConfigMap, { metadata: { name, namespace: namespace.metadata.name, annotations }, data }),
        )
      } else if (!isEqual(present.data, data) || !present.metadata.annotations?.[descriptionAnnotation]) {
        yield update(ConfigMap, { ...present, metadata: { ...present.metadata, annotations }, data })
      }
    },
  })
}
