import type { Ingress } from '../../kinds/networking/ingress.ts'
import { IngressClass } from '../../kinds/networking/ingress-class.ts'
import type { Mutable } from '../../schema/types.ts'
import type { AdmissionPlugin, ClusterReader } from '../admission.ts'
import { isFor } from './is.ts'

const mark = 'ingressclass.kubernetes.io/is-default-class'
const oldClassAnnotation = 'kubernetes.io/ingress.class'

/** Ingresses that say nothing of a class get the default one (`DefaultIngressClass`). */
export function defaultIngressClass(reader: ClusterReader): AdmissionPlugin {
  return {
    name: 'DefaultIngressClass',
    completes: true,
    handles: (attributes) => isFor(attributes, 'ingresses', 'networking.k8s.io') && attributes.operation === 'CREATE',
    admit({ object }) {
      const { metadata, spec } = object as Mutable<Ingress>
      if (spec.ingressClassName !== undefined || metadata.annotations?.[oldClassAnnotation] !== undefined) return
      const name = defaultClass(reader)?.metadata.name
      if (name !== undefined) spec.ingressClassName = name
    },
  }
}

/** Of several that claim to be it, the youngest; of those made in the same second, the first by name. */
function defaultClass(reader: ClusterReader): IngressClass | undefined {
  return reader
    .list(IngressClass, '')
    .filter(({ metadata }) => metadata.annotations?.[mark] === 'true')
    .reduce<IngressClass | undefined>((best, next) => (best && made(best) >= made(next) ? best : next), undefined)
}

const made = ({ metadata }: IngressClass) => metadata.creationTimestamp ?? ''
