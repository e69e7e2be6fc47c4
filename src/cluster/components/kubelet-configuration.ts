import { parseIp } from '../../base/cidr.ts'
import { parseDuration } from '../../base/duration.ts'
import { swapIsOn } from '../../lifecycle/preflight/machine.ts'
import type { HostWorld } from '../../world/world.ts'
import { readConfigurationFile } from './configuration-file.ts'
import { ComponentFlagError, type GivenFlags } from './flags.ts'

/** What a kubelet is told, by its flags and its file; what neither says is as the reference has it. */
export interface KubeletSettings {
  readonly nodeName: string
  /** One, or one of each family. */
  readonly addresses: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly taints: readonly KubeletTaint[]
  readonly registers: boolean
  readonly staticPodFolder: string | undefined
  readonly checkMs: number
  /** 0: no port. */
  readonly healthz: { readonly host: string; readonly port: number }
  readonly server: { readonly host: string; readonly port: number }
  readonly clientCaFile: string | undefined
  readonly tlsFiles: { readonly certificate: string | undefined; readonly key: string | undefined }
  readonly rotatesCertificates: boolean
  readonly serverBootstrap: boolean
  readonly podCidrs: readonly string[]
  readonly maxPods: number
  readonly renewMs: number
}

export interface KubeletTaint {
  readonly key: string
  readonly value?: string
  readonly effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute'
}

/** A file of `kubelet.config.k8s.io/v1beta1`, as far as it counts here. */
interface KubeletConfiguration {
  readonly staticPodPath?: string
  readonly fileCheckFrequency?: string
  readonly healthzBindAddress?: string
  readonly healthzPort?: number
  readonly address?: string
  readonly port?: number
  readonly authentication?: { readonly x509?: { readonly clientCAFile?: string } }
  readonly tlsCertFile?: string
  readonly tlsPrivateKeyFile?: string
  readonly rotateCertificates?: boolean
  readonly serverTLSBootstrap?: boolean
  readonly registerNode?: boolean
  readonly registerWithTaints?: readonly KubeletTaint[]
  readonly podCIDR?: string
  readonly maxPods?: number
  readonly nodeLeaseDurationSeconds?: number
  readonly failSwapOn?: boolean
}

/** Reads flags and file. Throws `ComponentFlagError`, also where swap is on and must not be. */
export async function kubeletSettings(flags: GivenFlags, world: HostWorld): Promise<KubeletSettings> {
  const file = await readFile(flags, world)
  const { machine } = world
  // Unless it is asked for, swap is let be: the reference refuses it for the sake of containers, of which there are none.
  const refusesSwap = flags.has('fail-swap-on') ? flags.isTrue('fail-swap-on') : file.failSwapOn
  if (refusesSwap && (await swapIsOn(world.disk)))
    throw new ComponentFlagError(
      'running with swap on is not supported, please disable swap or set --fail-swap-on flag to false',
    )
  const number = (flag: string, value: number | undefined, usual: number) =>
    flags.has(flag) ? flags.whole(flag) : (value ?? usual)
  const first = machine.addresses.find(({ internal, family }) => !internal && family === 4)?.address
  const taints = flags.list('register-with-taints').map(taintOf)
  return {
    nodeName: (flags.text('hostname-override') ?? machine.hostName).trim().toLowerCase(),
    addresses: flags.has('node-ip') ? nodeAddresses(flags.list('node-ip')) : [first ?? '127.0.0.1'],
    labels: Object.fromEntries(flags.list('node-labels').map(labelOf)),
    taints: taints.length > 0 ? taints : (file.registerWithTaints ?? []),
    registers: flags.has('register-node') ? flags.isTrue('register-node') : (file.registerNode ?? true),
    staticPodFolder: flags.text('pod-manifest-path') ?? file.staticPodPath,
    checkMs: milliseconds(flags.text('file-check-frequency') ?? file.fileCheckFrequency, 20_000),
    healthz: {
      host: flags.text('healthz-bind-address') ?? file.healthzBindAddress ?? '127.0.0.1',
      port: number('healthz-port', file.healthzPort, 10_248),
    },
    server: { host: flags.text('address') ?? file.address ?? '0.0.0.0', port: number('port', file.port, 10_250) },
    clientCaFile: flags.text('client-ca-file') ?? file.authentication?.x509?.clientCAFile,
    tlsFiles: {
      certificate: flags.text('tls-cert-file') ?? file.tlsCertFile,
      key: flags.text('tls-private-key-file') ?? file.tlsPrivateKeyFile,
    },
    rotatesCertificates: flags.has('rotate-certificates')
      ? flags.isTrue('rotate-certificates')
      : (file.rotateCertificates ?? false),
    serverBootstrap: file.serverTLSBootstrap ?? false,
    podCidrs: (flags.text('pod-cidr') ?? file.podCIDR ?? '').split(',').filter((cidr) => cidr !== ''),
    maxPods: number('max-pods', file.maxPods, 110),
    // A quarter of the time that it holds, as in the reference.
    renewMs: ((file.nodeLeaseDurationSeconds || 40) * 1000) / 4,
  }
}

/** As kubelet's `--node-ip`: one address, or one of each family, the first of which stands for the node. */
function nodeAddresses(given: readonly string[]): readonly string[] {
  const families = given.map((text) => parseIp(text)?.family)
  const isWrong =
    families.includes(undefined) || given.length > 2 || (given.length === 2 && families[0] === families[1])
  if (isWrong)
    throw new ComponentFlagError(
      `bad --node-ip ${JSON.stringify(given.join(','))}: must contain either a single IP or a dual-stack pair of IPs`,
    )
  return given
}

async function readFile(flags: GivenFlags, { disk }: HostWorld): Promise<KubeletConfiguration> {
  const path = flags.text('config')
  if (!path) return {}
  const fail = (why: string) =>
    new ComponentFlagError(`failed to load kubelet config file, path: ${path}, error: ${why}`)
  const expected = { apiVersion: 'kubelet.config.k8s.io/v1beta1', kind: 'KubeletConfiguration' }
  return readConfigurationFile<KubeletConfiguration>(disk, path, expected, fail)
}

/** `0s` in the file stands for what is usual. */
function milliseconds(text: string | undefined, usual: number): number {
  const value = text === undefined ? 0 : parseDuration(text)
  return value > 0 ? value : usual
}

function labelOf(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at < 1)
    throw new ComponentFlagError(
      `invalid argument ${JSON.stringify(text)} for "--node-labels" flag: ${text} must be formatted as key=value`,
    )
  return [text.slice(0, at), text.slice(at + 1)]
}

function taintOf(text: string): KubeletTaint {
  const [, key, , value, effect] = /^([^=:]+)(=([^:]*))?:(NoSchedule|PreferNoSchedule|NoExecute)$/.exec(text) ?? []
  if (!key)
    throw new ComponentFlagError(
      `invalid argument ${JSON.stringify(text)} for "--register-with-taints" flag: invalid taint spec: ${text}`,
    )
  return { key, ...(value && { value }), effect: effect as KubeletTaint['effect'] }
}
