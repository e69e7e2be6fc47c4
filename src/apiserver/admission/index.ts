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
import { podSecurity } from './pod-security/index.ts'
import { priority } from './priority.ts'
import { type RulesOf, rbacEscalation } from './rbac-escalation.ts'
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
  /** All rules that speak of a user in a namespace. */
  readonly rulesOf: RulesOf
}

/** Every plugin that is on by default, in the reference's order. To add one, add a file and a line here. */
export function defaultAdmission(services: AdmissionServices): readonly AdmissionPlugin[] {
  const { reader, books, random, authorizer, rulesOf } = services
  return [
    namespaceLifecycle(reader),
    limitRanger(reader),
    serviceAccount(reader, random),
    nodeTaint,
    podSecurity(reader),
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
    rbacEscalation(reader, authorizer, rulesOf),
    // Last, because it books: nothing may refuse after it.
    resourceQuota(reader, books),
  ]
}
