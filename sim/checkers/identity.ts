import type { Pod } from '../../src/kinds/core/pod.ts'
import type { Checker } from '../history.ts'

/**
 * A pod of a StatefulSet leaves the API only when it runs no more, so that there are never two of one name: its
 * containers have ended, it never ran, or its node has vanished, which somebody has to say by force.
 */
export const identities: Checker = {
  name: 'identity',
  see({ key, object, old }) {
    const pod = old as unknown as Pod | undefined
    if (object || !pod || !key.startsWith('/registry/pods/')) return []
    const isStateful = pod.metadata.ownerReferences?.some(({ kind }) => kind === 'StatefulSet')
    const running = (pod.status?.containerStatuses ?? []).filter(({ state }) => state?.running !== undefined)
    if (!isStateful || running.length === 0 || pod.metadata.deletionGracePeriodSeconds === 0) return []
    return [`${key} is gone while ${running.map(({ name }) => name).join(', ')} runs`]
  },
}
