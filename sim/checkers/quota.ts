import type { Pod } from '../../src/kinds/core/pod.ts'
import { overdueAt } from '../../src/kinds/core/quota.ts'
import type { ResourceQuota } from '../../src/kinds/core/resource-quota.ts'
import type { Checker } from '../history.ts'

/** No pod comes into being that its namespace has no room for. One that should long be gone takes none. */
export const quotas: Checker = {
  name: 'quota',
  see({ key, object, old }, state) {
    if (!key.startsWith('/registry/pods/') || !object || old) return []
    const { namespace, creationTimestamp } = object.metadata
    const now = Date.parse(creationTimestamp!)
    // Times of objects are whole seconds, so what was due in the same one may have been gone already.
    const isLive = (pod: Pod) => !ended.includes(pod.status?.phase ?? '') && overdueAt(pod) > now
    const live = [...state.below(`/registry/pods/${namespace}/`)].filter((pod) => isLive(pod as unknown as Pod)).length
    return [...state.below(`/registry/resourcequotas/${namespace}/`)].flatMap((quota) => {
      const hard = (quota as unknown as ResourceQuota).spec?.hard?.['pods']
      if (hard === undefined || live <= Number(hard)) return []
      return [`${live} pods in ${namespace}, where ${hard} may be`]
    })
  },
}

const ended = ['Succeeded', 'Failed']
