import { parse } from 'yaml'
import { applyJsonPatch } from '../../schema/json-patch.ts'
import { applyMergePatch } from '../../schema/merge-patch.ts'
import { applyStrategicMergePatch } from '../../schema/strategic-merge.ts'
import type { ObjectType } from '../../schema/types.ts'
import type { HostWorld } from '../../world/world.ts'
import { LifecycleError } from '../failure.ts'

/**
 * Patches of what is deployed: files `TARGET[SUFFIX][+TYPE].EXTENSION` in a folder, such as `kube-apiserver0+merge.yaml`
 * (`--patches`). They are applied in the order of their names.
 */
export const patchTargets = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubeletconfiguration',
  'corednsdeployment',
] as const
export type PatchTarget = (typeof patchTargets)[number]

type PatchType = 'strategic' | 'merge' | 'json'

export interface PatchFile {
  readonly target: PatchTarget
  readonly type: PatchType
  readonly path: string
  readonly content: unknown
}

const contentTypes = {
  strategic: 'application/strategic-merge-patch+json',
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
} as const

/** Reads the patches of a folder. Throws `LifecycleError` for files that cannot be patches. */
export async function readPatches(
  { disk }: Pick<HostWorld, 'disk'>,
  folder: string,
  warn: (line: string) => void,
): Promise<readonly PatchFile[]> {
  const patches: PatchFile[] = []
  for (const name of (await disk.list(folder)).sort()) {
    const path = `${folder}/${name}`
    const extension = /\.(ya?ml|json)$/.exec(name)?.[0]
    if (extension === undefined) {
      warn(`[patches] skipping file with unknown extension: ${name}`)
      continue
    }
    const [targetText = '', type = 'strategic', ...more] = name.slice(0, -extension.length).split('+')
    const target = patchTargets.find((each) => targetText.startsWith(each))
    if (!target)
      throw new LifecycleError(`${path}: unknown target, must be one of ${patchTargets.join(', ')}`, {
        hint: 'the name of a patch begins with what it patches: kube-apiserver0+merge.yaml',
      })
    if (more.length > 0 || !Object.hasOwn(contentTypes, type))
      throw new LifecycleError(`${path}: unknown patch type, must be one of strategic, merge, json`)
    const text = (await disk.read(path)) ?? ''
    if (text.trim() === '') {
      warn(`[patches] skipping empty file: ${name}`)
      continue
    }
    patches.push({ target, type: type as PatchType, path, content: parse(text) })
  }
  return patches
}

/** Applies those of `target`, and says so. `type` is what the object is, for strategic merges. */
export function applyPatches(
  target: PatchTarget,
  object: object,
  patches: readonly PatchFile[],
  type: ObjectType | undefined,
  print: (line: string) => void,
): object {
  let patched = object
  for (const patch of patches.filter((each) => each.target === target)) {
    try {
      patched = applyOne(patched, patch, type)
    } catch (error) {
      throw new LifecycleError(`could not apply the patch ${patch.path} to ${target}: ${(error as Error).message}`, {
        cause: error,
      })
    }
    print(
      `[patches] Applied patch of type ${JSON.stringify(contentTypes[patch.type])} to target ${JSON.stringify(target)}`,
    )
  }
  return patched
}

function applyOne(object: object, { type, content }: PatchFile, schema: ObjectType | undefined): object {
  if (type === 'merge') return applyMergePatch(object, content)
  if (type === 'json') return applyJsonPatch(object, content)
  return applyStrategicMergePatch(object, content, schema)
}
