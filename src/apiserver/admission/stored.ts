import type { Kind } from '../../schema/kind.ts'
import type { Log } from '../../world/world.ts'
import type { AdmissionPlugin, ClusterReader } from '../admission.ts'
import type { Authorizer } from '../authz/authz.ts'
import type { OutgoingParts } from '../outgoing.ts'
import { admissionPolicies, type Resources } from './policy/index.ts'
import { admissionWebhooks } from './webhook/index.ts'

export interface StoredAdmissionParts {
  /** What is served now; another list when that changes. */
  readonly kinds: () => readonly Kind[]
  readonly reader: ClusterReader
  readonly authorizer: Authorizer
  readonly outgoing: OutgoingParts
  readonly log: Log
}

/** Admission as it is stored in the cluster: policies and webhooks. */
export interface StoredAdmission {
  /** By name. */
  readonly plugins: Readonly<Record<string, AdmissionPlugin>>
  /** Keeps up with what is stored. Resolves when what is there now is in force. */
  follow(resources: Resources, signal: AbortSignal): Promise<void>
}

export function storedAdmission(parts: StoredAdmissionParts): StoredAdmission {
  const { kinds, reader, authorizer, outgoing, log } = parts
  const policies = admissionPolicies({ kinds, reader }, authorizer)
  const webhooks = admissionWebhooks(kinds, { outgoing, reader, authorizer, random: outgoing.random, log })
  const plugins = [policies.mutating, webhooks.mutating, policies.validating, webhooks.validating]
  return {
    plugins: Object.fromEntries(plugins.map((plugin) => [plugin.name, plugin])),
    async follow(resources, signal) {
      await Promise.all([policies.follow(resources, log, signal), webhooks.follow(resources, log, signal)])
    },
  }
}
