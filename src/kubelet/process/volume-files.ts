import type { ConfigMap } from '../../kinds/core/config-map.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import type { Secret } from '../../kinds/core/secret.ts'
import type {
  DownwardAPIVolumeFile,
  KeyToPath,
  ServiceAccountTokenProjection,
  Volume,
  VolumeProjection,
} from '../../kinds/core/volumes.ts'
import { configMapFault, secretFault } from '../volume-faults.ts'
import { fieldOf } from './command.ts'

/** A file of a volume. */
export interface VolumeFile {
  /** Below the volume's folder. */
  readonly path: string
  readonly content: Uint8Array
  readonly mode: number
}

/** What volumes hold that does not stand in the pod itself. */
export interface VolumeSources {
  configMap(name: string): Promise<ConfigMap | undefined>
  secret(name: string): Promise<Secret | undefined>
  token(wish: ServiceAccountTokenProjection): Promise<string>
  /** The node's address, which the pod has. */
  readonly hostAddress: string
}

const usualMode = 0o644

/** The files of a volume that is made for its pod. Rejects with what is missing, in the kubelet's words. */
export async function filesOf(pod: Pod, volume: Volume, sources: VolumeSources): Promise<readonly VolumeFile[]> {
  const { configMap, secret, downwardAPI, projected } = volume
  if (projected) return projectedFiles(pod, projected.sources ?? [], projected.defaultMode, sources)
  if (configMap) return partFiles(pod, { configMap }, configMap.defaultMode, sources)
  if (secret) {
    const { secretName, defaultMode, ...rest } = secret
    return partFiles(pod, { secret: { ...rest, ...(secretName && { name: secretName }) } }, defaultMode, sources)
  }
  return downwardAPI ? partFiles(pod, { downwardAPI }, downwardAPI.defaultMode, sources) : []
}

/** Says all that is missing at once. */
async function projectedFiles(
  pod: Pod,
  parts: readonly VolumeProjection[],
  mode: number | undefined,
  sources: VolumeSources,
): Promise<readonly VolumeFile[]> {
  const files = await Promise.allSettled(parts.map((part) => partFiles(pod, part, mode, sources)))
  const faults = files.flatMap((each) => (each.status === 'rejected' ? [(each.reason as Error).message] : []))
  if (faults.length > 0) throw new Error(faults.length === 1 ? faults[0]! : `[${faults.join(', ')}]`)
  return files.flatMap((each) => (each.status === 'fulfilled' ? each.value : []))
}

async function partFiles(
  pod: Pod,
  { configMap, secret, downwardAPI, serviceAccountToken }: VolumeProjection,
  mode = usualMode,
  sources: VolumeSources,
): Promise<readonly VolumeFile[]> {
  if (configMap) {
    const present = await sources.configMap(configMap.name ?? '')
    throwIf(configMapFault(configMap, present))
    return pick([...entries(present?.data, 'utf8'), ...entries(present?.binaryData, 'base64')], configMap.items, mode)
  }
  if (secret) {
    const present = await sources.secret(secret.name ?? '')
    throwIf(secretFault(secret, present))
    return pick(entries(present?.data, 'base64'), secret.items, mode)
  }
  if (downwardAPI) return (downwardAPI.items ?? []).map((item) => factFile(pod, item, mode, sources.hostAddress))
  if (serviceAccountToken) {
    const token = await sources.token(serviceAccountToken)
    return [{ path: serviceAccountToken.path, content: Buffer.from(token), mode }]
  }
  throw new Error('a source of it cannot be had for a process of the host')
}

type Entry = readonly [key: string, content: Uint8Array]

const entries = (data: Readonly<Record<string, string>> = {}, encoding: 'utf8' | 'base64') =>
  Object.entries(data).map(([key, text]): Entry => [key, Buffer.from(text, encoding)])

/** All keys under their own names, or the chosen ones that are there. */
function pick(all: readonly Entry[], items: readonly KeyToPath[] | undefined, mode: number): readonly VolumeFile[] {
  if (!items?.length) return all.map(([path, content]) => ({ path, content, mode }))
  const contents = new Map(all)
  return items.flatMap(({ key, path, mode: own = mode }) => {
    const content = contents.get(key)
    return content === undefined ? [] : [{ path, content, mode: own }]
  })
}

function factFile(
  pod: Pod,
  { path, fieldRef, mode: own }: DownwardAPIVolumeFile,
  mode: number,
  hostAddress: string,
): VolumeFile {
  const field = fieldRef?.fieldPath ?? 'resourceFieldRef'
  const text = allOf(pod, field) ?? fieldOf(pod, field, hostAddress)
  if (text === undefined) throw new Error(`${field} cannot be had for a process of the host`)
  return { path, content: Buffer.from(text), mode: own ?? mode }
}

/** `metadata.labels` and `metadata.annotations` as a whole: a line for each. */
function allOf({ metadata }: Pod, field: string): string | undefined {
  const [, map] = /^metadata\.(labels|annotations)$/.exec(field) ?? []
  if (map === undefined) return undefined
  const all = metadata[map as 'labels' | 'annotations'] ?? {}
  const names = Object.keys(all).sort()
  return names.map((name) => `${name}=${JSON.stringify(all[name])}`).join('\n')
}

function throwIf(fault: string | undefined): void {
  if (fault !== undefined) throw new Error(fault)
}
