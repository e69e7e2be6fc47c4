import type { PodSpec } from '../../../kinds/core/pod-spec.ts'
import type { SELinuxOptions } from '../../../kinds/core/security.ts'
import type { Check } from './checks.ts'
import { type AnyContainer, containersCalled, containersOf, namesOf, plural, setters, sorted } from './offenders.ts'

/** Rules that keep out the known ways from a pod to its node. */
export const baselineChecks: readonly Check[] = [
  {
    id: 'appArmorProfile',
    since: 0,
    reason: 'forbidden AppArmor profile',
    detail(spec) {
      const isBad = (type: string | undefined) => type === 'Unconfined'
      const who = setters(
        isBad(spec.securityContext?.appArmorProfile?.type),
        namesOf(spec, ({ appArmorProfile }) => isBad(appArmorProfile?.type)),
      )
      return who && `${who} must not set AppArmor profile type to "Unconfined"`
    },
  },
  {
    id: 'capabilities_baseline',
    since: 0,
    reason: 'non-default capabilities',
    detail(spec) {
      const names = namesOf(spec, ({ capabilities }) => (capabilities?.add ?? []).some(isNotDefault))
      const added = containersOf(spec).flatMap(({ securityContext }) => securityContext?.capabilities?.add ?? [])
      if (names.length === 0) return undefined
      return `${containersCalled(names)} must not include ${sorted(added.filter(isNotDefault))} in securityContext.capabilities.add`
    },
  },
  {
    id: 'hostNamespaces',
    since: 0,
    reason: 'host namespaces',
    detail(spec) {
      const shared = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((name) => spec[name])
      return shared.length === 0 ? undefined : shared.map((name) => `${name}=true`).join(', ')
    },
  },
  {
    id: 'hostPathVolumes',
    since: 0,
    reason: 'hostPath volumes',
    detail(spec) {
      const names = (spec.volumes ?? []).flatMap(({ name, hostPath }) => (hostPath ? name : []))
      if (names.length === 0) return undefined
      return `${plural('volume', 'volumes', names.length)} ${names.map((name) => `"${name}"`).join(', ')}`
    },
  },
  {
    id: 'hostPorts',
    since: 0,
    reason: 'hostPort',
    detail(spec) {
      const portsOf = ({ ports }: AnyContainer) => (ports ?? []).flatMap(({ hostPort }) => hostPort || [])
      const names = namesOf(spec, (_security, container) => portsOf(container).length > 0)
      if (names.length === 0) return undefined
      const ports = [...new Set(containersOf(spec).flatMap(portsOf).map(String))].sort()
      const uses = plural('uses', 'use', names.length)
      return `${containersCalled(names)} ${uses} ${plural('hostPort', 'hostPorts', ports.length)} ${ports.join(', ')}`
    },
  },
  {
    id: 'hostProbesAndHostLifecycle',
    since: 34,
    reason: 'probe or lifecycle host',
    detail(spec) {
      const names = namesOf(spec, (_security, container) => hostsOf(container).length > 0).sort()
      if (names.length === 0) return undefined
      const hosts = new Set(containersOf(spec).flatMap(hostsOf))
      const what = plural('probe or lifecycle host', 'probe or lifecycle hosts', hosts.size)
      return `${containersCalled(names)} ${plural('uses', 'use', names.length)} ${what} ${sorted(hosts)}`
    },
  },
  {
    id: 'privileged',
    since: 0,
    reason: 'privileged',
    detail(spec) {
      const names = namesOf(spec, ({ privileged }) => privileged === true)
      return names.length === 0 ? undefined : `${containersCalled(names)} must not set securityContext.privileged=true`
    },
  },
  {
    id: 'procMount',
    since: 0,
    reason: 'procMount',
    // In a user namespace of its own a pod sees nothing that the masks would hide (KEP-127).
    detail: (spec) => (spec.hostUsers === false ? undefined : unmaskedProc(spec)),
  },
  {
    id: 'seLinuxOptions',
    since: 0,
    reason: 'seLinuxOptions',
    detail: seLinux,
  },
  {
    id: 'seccompProfile_baseline',
    since: 19,
    reason: 'seccompProfile',
    detail(spec) {
      const isBad = (type: string | undefined) => type === 'Unconfined'
      const who = setters(
        isBad(spec.securityContext?.seccompProfile?.type),
        namesOf(spec, ({ seccompProfile }) => isBad(seccompProfile?.type)),
      )
      return who && `${who} must not set securityContext.seccompProfile.type to "Unconfined"`
    },
  },
  {
    id: 'sysctls',
    since: 0,
    reason: 'forbidden sysctls',
    detail(spec, version) {
      const isSafe = (name: string) => (safeSysctls[name] ?? Number.POSITIVE_INFINITY) <= version && name in safeSysctls
      const bad = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !isSafe(name))
      return bad.length === 0 ? undefined : bad.join(', ')
    },
  },
  {
    id: 'windowsHostProcess',
    since: 0,
    reason: 'hostProcess',
    detail(spec) {
      const who = setters(
        spec.securityContext?.windowsOptions?.hostProcess === true,
        namesOf(spec, ({ windowsOptions }) => windowsOptions?.hostProcess === true),
      )
      return who && `${who} must not set securityContext.windowsOptions.hostProcess=true`
    },
  },
]

const defaultCapabilities: ReadonlySet<string> = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
])
const isNotDefault = (capability: string) => !defaultCapabilities.has(capability)

/** Kernel parameters that concern nobody but the pod, with the minor version from which on they are allowed. */
const safeSysctls: Readonly<Record<string, number>> = {
  'kernel.shm_rmid_forced': 0,
  'net.ipv4.ip_local_port_range': 0,
  'net.ipv4.tcp_syncookies': 0,
  'net.ipv4.ping_group_range': 0,
  'net.ipv4.ip_unprivileged_port_start': 0,
  'net.ipv4.ip_local_reserved_ports': 27,
  'net.ipv4.tcp_keepalive_time': 29,
  'net.ipv4.tcp_fin_timeout': 29,
  'net.ipv4.tcp_keepalive_intvl': 29,
  'net.ipv4.tcp_keepalive_probes': 29,
  'net.ipv4.tcp_rmem': 32,
  'net.ipv4.tcp_wmem': 32,
}

function hostsOf({ livenessProbe, readinessProbe, startupProbe, lifecycle }: AnyContainer): readonly string[] {
  return [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop].flatMap((handler) => [
    ...(handler?.httpGet?.host ? [handler.httpGet.host] : []),
    ...(handler?.tcpSocket?.host ? [handler.tcpSocket.host] : []),
  ])
}

/** Which containers see the whole of `/proc`. */
export function unmaskedProc(spec: PodSpec): string | undefined {
  const isBad = (mount: string | undefined) => mount !== undefined && mount !== 'Default'
  const names = namesOf(spec, ({ procMount }) => isBad(procMount))
  if (names.length === 0) return undefined
  const mounts = containersOf(spec).flatMap(({ securityContext }) => securityContext?.procMount ?? [])
  return `${containersCalled(names)} must not set securityContext.procMount to ${sorted(mounts.filter(isBad))}`
}

function seLinux(spec: PodSpec, version: number): string | undefined {
  const types = [
    '',
    'container_t',
    'container_init_t',
    'container_kvm_t',
    ...(version >= 31 ? ['container_engine_t'] : []),
  ]
  const isBadType = ({ type = '' }: SELinuxOptions) => !types.includes(type)
  const isBad = (options: SELinuxOptions | undefined) =>
    options !== undefined && (isBadType(options) || Boolean(options.user) || Boolean(options.role))
  const own = spec.securityContext?.seLinuxOptions
  const who = setters(
    isBad(own),
    namesOf(spec, ({ seLinuxOptions }) => isBad(seLinuxOptions)),
  )
  if (who === undefined) return undefined
  const all = [own, ...containersOf(spec).map(({ securityContext }) => securityContext?.seLinuxOptions)]
  const given = all.filter((options) => options !== undefined)
  const badTypes = new Set(given.filter(isBadType).map(({ type = '' }) => type))
  const faults = [
    ...(badTypes.size > 0 ? [`${plural('type', 'types', badTypes.size)} ${sorted(badTypes)}`] : []),
    ...(given.some(({ user }) => user) ? ['user may not be set'] : []),
    ...(given.some(({ role }) => role) ? ['role may not be set'] : []),
  ]
  return `${who} set forbidden securityContext.seLinuxOptions: ${faults.join('; ')}`
}
