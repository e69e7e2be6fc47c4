import type { Random } from '../../world/world.ts'
import type { AdmissionPlugin, ClusterReader } from '../admission.ts'
import type { Authorizer } from '../authz/authz.ts'
import {
  certificateApproval,
  certificateRequester,
  certificateSigning,
  certificateSubjectRestriction,
} from './certificate-requests.ts'
import { claimResize } from './claim-resize.ts'
import { defaultStorageClass } from './default-storage-class.ts'
import { defaultTolerationSeconds } from './default-toleration-seconds.ts'
import { limitRanger } from './limit-ranger.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { nodeTaint } from './node-taint.ts'
import { priority } from './priority.ts'
import { type QuotaBooks, resourceQuota } from './resource-quota.ts'
import { runtimeClass } from './runtime-class.ts'
import { serviceAccount } from './service-account.ts'
import { storageProtection } from './storage-protection.ts'

/** What the plugins work with. */
export interface AdmissionServices {
  readonly reader: ClusterReader
  readonly books: QuotaBooks
  readonly random: Random
  readonly authorizer: Authorizer
}

/** Every plugin that is on by default, in the reference's order. To add one, add a file and a line here. */
export function defaultAdmission({ reader, books, random, authorizer }: AdmissionServices): readonly AdmissionPlugin[] {
  return [
    namespaceLifecycle(reader),
    limitRanger(reader),
    serviceAccount(reader, random),
    nodeTaint,
    priority(reader),
    defaultTolerationSeconds,
    storageProtection,
    claimResize(reader),
    runtimeClass(reader),
    certificateRequester,
    certificateApproval(authorizer),
    certificateSigning(authorizer),
    certificateSubjectRestriction,
    defaultStorageClass(reader),
    // Last, because it books: nothing may refuse after it.
    resourceQuota(reader, books),
  ]
}
