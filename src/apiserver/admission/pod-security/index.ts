import { Namespace } from '../../../kinds/core/namespace.ts'
import { Pod } from '../../../kinds/core/pod.ts'
import type { PodSpec } from '../../../kinds/core/pod-spec.ts'
import { FieldErrors } from '../../../schema/field-errors.ts'
import { equalJson } from '../../../schema/freeze.ts'
import type { ApiObject } from '../../../schema/kind.ts'
import { forbidden } from '../../../schema/status.ts'
import type { AdmissionAttributes, AdmissionPlugin, ClusterReader } from '../../admission.ts'
import type { Fields } from '../configuration.ts'
import { type Policy, type Violation, violations } from './checks.ts'
import { podSecuritySettings } from './configuration.ts'
import { faultsOfLabels, type Labels, policyOf } from './labels.ts'

/**
 * Holds pods to the level that their namespace asks for (KEP-2579): `enforce` refuses, `warn` warns. What makes pods
 * is let through, with a warning of what its pods would come to.
 */
export function podSecurity(reader: ClusterReader, configuration?: Fields): AdmissionPlugin {
  const { defaults, exempt } = podSecuritySettings(configuration)
  const labelsOf = (namespace: ApiObject | undefined): Labels => ({ ...defaults, ...namespace?.metadata.labels })
  return {
    name: 'PodSecurity',
    handles: (attributes) => {
      const { kind, operation, subresource } = attributes
      if (operation !== 'CREATE' && operation !== 'UPDATE') return false
      const isPod = kind.group === '' && kind.plural === 'pods'
      if (isPod) return subresource === '' || subresource === 'ephemeralcontainers' || subresource === 'resize'
      return subresource === '' && (isNamespace(attributes) || `${kind.plural}.${kind.group}` in templates)
    },
    validate(attributes) {
      if (isNamespace(attributes)) return checkNamespace(reader, attributes, labelsOf)
      if (exempt.namespaces.has(attributes.namespace) || exempt.usernames.has(attributes.context.user.name)) return
      const labels = labelsOf(reader.get(Namespace, '', attributes.namespace))
      const spec = specOf(attributes.object!, attributes.kind.plural)
      if (spec !== undefined && exempt.runtimeClasses.has(spec.runtimeClassName ?? '')) return
      const enforce = policyOf(labels, 'enforce')
      const warn = policyOf(labels, 'warn')
      const isPod = attributes.kind.plural === 'pods'
      if (isPod) checkPod(attributes, enforce)
      // A namespace that refuses such pods warns of what would make them.
      const warned = isPod || warn.level !== 'privileged' ? warn : enforce
      if (spec === undefined || (isPod && isUnchanged(attributes))) return
      const found = violations(spec, warned)
      if (found.length > 0) attributes.context.warn(`would violate PodSecurity "${show(warned)}": ${list(found)}`)
    },
  }
}

const isNamespace = ({ kind }: AdmissionAttributes) => kind.group === '' && kind.plural === 'namespaces'

function checkPod(attributes: AdmissionAttributes, enforce: Policy): void {
  if (isUnchanged(attributes)) return
  const pod = attributes.object as Pod
  const found = violations(pod.spec, enforce)
  if (found.length === 0) return
  const why = `violates PodSecurity "${show(enforce)}": ${list(found)}`
  throw forbidden({ group: '', resource: 'pods' }, pod.metadata.name ?? attributes.name, why)
}

/** Labels, say, may be changed on a pod that would not be let in again. */
function isUnchanged({ object, oldObject }: AdmissionAttributes): boolean {
  return oldObject !== undefined && equalJson((object as Pod).spec, (oldObject as Pod).spec)
}

const show = ({ level, version }: Policy) => `${level}:${version === 'latest' ? version : `v1.${version}`}`

const list = (found: readonly Violation[]) => found.map(({ reason, detail }) => `${reason} (${detail})`).join(', ')

interface WithTemplate {
  readonly template?: { readonly spec?: PodSpec }
  readonly spec?: PodSpec & {
    readonly template?: { readonly spec?: PodSpec }
    readonly jobTemplate?: { readonly spec?: { readonly template?: { readonly spec?: PodSpec } } }
  }
}

/** Where objects that make pods describe them. */
const templates: Readonly<Record<string, true>> = {
  'podtemplates.': true,
  'replicationcontrollers.': true,
  'replicasets.apps': true,
  'deployments.apps': true,
  'daemonsets.apps': true,
  'statefulsets.apps': true,
  'jobs.batch': true,
  'cronjobs.batch': true,
}

function specOf(object: ApiObject, plural: string): PodSpec | undefined {
  const { template, spec } = object as WithTemplate
  if (plural === 'pods') return spec
  if (plural === 'podtemplates') return template?.spec
  return (spec?.jobTemplate?.spec ?? spec)?.template?.spec
}

/** Labels must say a level that there is; a stricter level is told what it would have refused. */
function checkNamespace(
  reader: ClusterReader,
  attributes: AdmissionAttributes,
  labelsOf: (namespace: ApiObject) => Labels,
): void {
  const { object, oldObject, name, context } = attributes
  const errors = new FieldErrors()
  faultsOfLabels(object!.metadata.labels ?? {}, errors)
  if (errors.length > 0) throw errors.toError({ group: '', kind: 'Namespace' }, object!.metadata.name ?? name)
  if (oldObject === undefined) return
  const enforce = policyOf(labelsOf(object!), 'enforce')
  if (enforce.level === 'privileged' || equalJson(enforce, policyOf(labelsOf(oldObject), 'enforce'))) return
  const offenders = reader.list(Pod, name).flatMap(({ metadata, spec }) => {
    const reasons = violations(spec, enforce).map(({ reason }) => reason)
    return reasons.length === 0 ? [] : [{ pod: metadata.name ?? '', reasons: reasons.join(', ') }]
  })
  if (offenders.length === 0) return
  context.warn(`existing pods in namespace "${name}" violate the new PodSecurity enforce level "${show(enforce)}"`)
  for (const warning of grouped(offenders)) context.warn(warning)
}

/** Pods with the same faults share a line. */
function grouped(offenders: readonly { readonly pod: string; readonly reasons: string }[]): readonly string[] {
  const groups = new Map<string, string[]>()
  for (const { pod, reasons } of offenders) groups.set(reasons, [...(groups.get(reasons) ?? []), pod])
  return [...groups].map(([reasons, [first, ...others]]) => {
    const more = others.length === 0 ? '' : ` (and ${others.length} other pod${others.length === 1 ? '' : 's'})`
    return `${first}${more}: ${reasons}`
  })
}
