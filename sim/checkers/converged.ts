import type { DaemonSet } from '../../src/kinds/apps/daemon-set.ts'
import type { Deployment } from '../../src/kinds/apps/deployment.ts'
import type { StatefulSet } from '../../src/kinds/apps/stateful-set.ts'
import type { Job } from '../../src/kinds/batch/job.ts'
import type { ReplicationController } from '../../src/kinds/core/replication-controller.ts'
import type { ApiObject } from '../../src/schema/kind.ts'
import type { State } from '../history.ts'

/** What must hold when all faults have ended and everybody has had time: says what does not. */
export function unconverged(state: State, roomless: string): string[] {
  return [...orphans(state), ...leaving(state), ...unfinished(state, roomless)]
}

/** Nothing outlives its owner. */
function* orphans(state: State): Iterable<string> {
  const uids = new Set([...state.all()].map(({ metadata }) => metadata.uid))
  for (const object of state.all()) {
    for (const owner of object.metadata.ownerReferences ?? []) {
      if (!uids.has(owner.uid)) yield `${named(object)} has lost its owner ${owner.kind} ${owner.name}`
    }
  }
}

function* leaving(state: State): Iterable<string> {
  for (const object of state.all()) {
    if (object.metadata.deletionTimestamp !== undefined) yield `${named(object)} does not go`
  }
}

const named = ({ kind, metadata }: ApiObject) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`

interface Wanted {
  readonly prefix: string
  /** Wanted, there in the newest form, ready. */
  readonly counts: (object: ApiObject) => readonly (number | undefined)[]
}

const as = <T>(object: ApiObject) => object as unknown as T

const workloads: readonly Wanted[] = [
  {
    prefix: '/registry/deployments/',
    counts: (object) => {
      const { spec, status } = as<Deployment>(object)
      return [spec?.replicas, status?.replicas ?? 0, status?.updatedReplicas ?? 0, status?.availableReplicas ?? 0]
    },
  },
  {
    prefix: '/registry/statefulsets/',
    counts: (object) => {
      const { spec, status } = as<StatefulSet>(object)
      return [spec?.replicas, status?.replicas ?? 0, status?.updatedReplicas ?? 0, status?.readyReplicas ?? 0]
    },
  },
  {
    prefix: '/registry/controllers/',
    counts: (object) => {
      const { spec, status } = as<ReplicationController>(object)
      return [spec?.replicas, status?.replicas ?? 0, status?.readyReplicas ?? 0]
    },
  },
  {
    prefix: '/registry/daemonsets/',
    counts: (object) => {
      const { status } = as<DaemonSet>(object)
      return [status?.desiredNumberScheduled, status?.updatedNumberScheduled ?? 0, status?.numberReady ?? 0]
    },
  },
  {
    prefix: '/registry/jobs/',
    counts: (object) => {
      const { spec, status } = as<Job>(object)
      return [spec?.completions ?? 0, status?.succeeded ?? 0]
    },
  },
]

/** `roomless`: a namespace whose quota is too small for what is wanted there. */
function* unfinished(state: State, roomless: string): Iterable<string> {
  for (const { prefix, counts } of workloads) {
    for (const object of state.below(prefix)) {
      const [wanted, ...have] = counts(object)
      if (object.metadata.namespace === roomless || have.every((count) => count === wanted)) continue
      yield `${named(object)} wants ${wanted} and has ${have.join(', ')}`
    }
  }
}
