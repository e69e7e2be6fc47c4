import type { PodSpec } from '../../../kinds/core/pod-spec.ts'
import type { Volume } from '../../../kinds/core/volumes.ts'
import { unmaskedProc } from './baseline.ts'
import type { Check } from './checks.ts'
import { containersCalled, containersOf, isWindows, namesOf, plural, quoted, setters, sorted } from './offenders.ts'

/** From here on rules for Linux leave pods for Windows alone. */
const windowsSince = 25

const isExempt = (spec: PodSpec, version: number) => version >= windowsSince && isWindows(spec)

/** Rules for pods that give up every right that they do not need. */
export const restrictedChecks: readonly Check[] = [
  {
    id: 'allowPrivilegeEscalation',
    since: 8,
    reason: 'allowPrivilegeEscalation != false',
    detail(spec, version) {
      if (isExempt(spec, version)) return undefined
      const names = namesOf(spec, ({ allowPrivilegeEscalation }) => allowPrivilegeEscalation !== false)
      if (names.length === 0) return undefined
      return `${containersCalled(names)} must set securityContext.allowPrivilegeEscalation=false`
    },
  },
  {
    id: 'capabilities_restricted',
    since: 22,
    replaces: 'capabilities_baseline',
    reason: 'unrestricted capabilities',
    detail: capabilities,
  },
  {
    id: 'procMount_restricted',
    since: 35,
    replaces: 'procMount',
    reason: 'procMount',
    detail: (spec) => unmaskedProc(spec),
  },
  {
    id: 'restrictedVolumes',
    since: 0,
    replaces: 'hostPathVolumes',
    reason: 'restricted volume types',
    detail: volumes,
  },
  {
    id: 'runAsNonRoot',
    since: 0,
    reason: 'runAsNonRoot != true',
    detail: nonRoot,
  },
  {
    id: 'runAsUser',
    since: 23,
    reason: 'runAsUser=0',
    detail(spec) {
      if (spec.hostUsers === false) return undefined
      const who = setters(
        spec.securityContext?.runAsUser === 0,
        namesOf(spec, ({ runAsUser }) => runAsUser === 0),
      )
      return who && `${who} must not set runAsUser=0`
    },
  },
  {
    id: 'seccompProfile_restricted',
    since: 19,
    replaces: 'seccompProfile_baseline',
    reason: 'seccompProfile',
    detail: seccomp,
  },
]

function capabilities(spec: PodSpec, version: number): string | undefined {
  if (isExempt(spec, version)) return undefined
  const keepers = namesOf(spec, ({ capabilities }) => !capabilities?.drop?.includes('ALL'))
  const isBad = (capability: string) => capability !== 'NET_BIND_SERVICE'
  const adders = namesOf(spec, ({ capabilities }) => (capabilities?.add ?? []).some(isBad))
  const added = containersOf(spec).flatMap(({ securityContext }) => securityContext?.capabilities?.add ?? [])
  const faults = [
    ...(keepers.length > 0 ? [`${containersCalled(keepers)} must set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(adders.length > 0
      ? [
          `${containersCalled(adders)} must not include ${sorted(added.filter(isBad))} in securityContext.capabilities.add`,
        ]
      : []),
  ]
  return faults.length === 0 ? undefined : faults.join('; ')
}

const allowedVolumes: ReadonlySet<string> = new Set([
  'name',
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
])

function volumes(spec: PodSpec): string | undefined {
  const typeOf = (volume: Volume) => Object.keys(volume).find((field) => !allowedVolumes.has(field))
  const bad = (spec.volumes ?? []).flatMap((volume) => {
    const type = typeOf(volume)
    return type === undefined ? [] : [{ name: volume.name, type }]
  })
  if (bad.length === 0) return undefined
  const types = new Set(bad.map(({ type }) => type))
  const who = `${plural('volume', 'volumes', bad.length)} ${quoted(bad.map(({ name }) => name))}`
  const what = plural('restricted volume type', 'restricted volume types', types.size)
  return `${who} ${plural('uses', 'use', bad.length)} ${what} ${sorted(types)}`
}

/** Root in a user namespace of the pod's own is nobody on the node (KEP-127). */
function nonRoot(spec: PodSpec): string | undefined {
  if (spec.hostUsers === false) return undefined
  const own = spec.securityContext?.runAsNonRoot
  const who = setters(
    own === false,
    namesOf(spec, ({ runAsNonRoot }) => runAsNonRoot === false),
  )
  if (who !== undefined) return `${who} must not set securityContext.runAsNonRoot=false`
  const silent = own ? [] : namesOf(spec, ({ runAsNonRoot }) => runAsNonRoot === undefined)
  if (silent.length === 0) return undefined
  return `pod or ${containersCalled(silent)} must set securityContext.runAsNonRoot=true`
}

function seccomp(spec: PodSpec, version: number): string | undefined {
  if (isExempt(spec, version)) return undefined
  const isBad = (type: string | undefined) => type !== undefined && type !== 'RuntimeDefault' && type !== 'Localhost'
  const own = spec.securityContext?.seccompProfile?.type
  const explicit = namesOf(spec, ({ seccompProfile }) => isBad(seccompProfile?.type))
  const who = setters(isBad(own), explicit)
  if (who !== undefined) {
    const types = [own, ...containersOf(spec).map(({ securityContext }) => securityContext?.seccompProfile?.type)]
    const bad = types.filter((type) => type !== undefined && isBad(type)) as string[]
    return `${who} must not set securityContext.seccompProfile.type to ${sorted(bad)}`
  }
  const silent = own === undefined ? namesOf(spec, ({ seccompProfile }) => seccompProfile === undefined) : []
  if (silent.length === 0) return undefined
  return `pod or ${containersCalled(silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`
}
