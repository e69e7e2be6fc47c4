import { Pod } from '../../kinds/core/pod.ts'
import { defineIndex, type Index } from '../../reconciler/caches.ts'

/** Pods by the node that they are on. */
export const podsByNode: Index<Pod> = defineIndex(Pod, 'node', ({ spec }) => (spec.nodeName ? [spec.nodeName] : []))
