import type { Random } from '../../world/world.ts'
import type { AdmissionPlugin, ClusterReader } from '../admission.ts'
import { defaultTolerationSeconds } from './default-toleration-seconds.ts'
import { limitRanger } from './limit-ranger.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { priority } from './priority.ts'
import { type QuotaBooks, resourceQuota } from './resource-quota.ts'
import { serviceAccount } from './service-account.ts'

/** Every plugin that is on by default, in the reference's order. To add one, add a file and a line here. */
export function defaultAdmission(reader: ClusterReader, books: QuotaBooks, random: Random): readonly AdmissionPlugin[] {
  return [
    namespaceLifecycle(reader),
    limitRanger(reader),
    serviceAccount(reader, random),
    priority(reader),
    defaultTolerationSeconds,
    // Last, because it books: nothing may refuse after it.
    resourceQuota(reader, books),
  ]
}
