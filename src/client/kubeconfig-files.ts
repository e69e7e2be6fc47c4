import { dirname, isAbsolute, join } from 'node:path'
import { parse, stringify } from 'yaml'
import type { Disk } from '../world/world.ts'
import { fromKubeconfig, type KubeconfigEndpoint, KubeconfigError } from './kubeconfig.ts'

export interface KubeconfigOnDisk {
  readonly endpoint: KubeconfigEndpoint
  /** Itself and those that it names: what to look at for changes. */
  readonly files: readonly string[]
}

/** What may stand in a file of its own, and the key for the same as base64. */
const asData: Readonly<Record<string, string>> = {
  'certificate-authority': 'certificate-authority-data',
  'client-certificate': 'client-certificate-data',
  'client-key': 'client-key-data',
}

/**
 * Reads a kubeconfig whose certificates, keys and tokens may lie in files beside it (as the kubelet's does, whose
 * certificate is renewed under the same name). Throws `KubeconfigError` or `DiskError`.
 */
export async function readKubeconfig(disk: Pick<Disk, 'read'>, path: string): Promise<KubeconfigOnDisk> {
  const text = await disk.read(path)
  if (text === undefined) throw new KubeconfigError(`there is no file ${path}`)
  const files = [path]
  const config = parseConfig(text, path)
  const content = async (name: unknown) => {
    const file = isAbsolute(String(name)) ? String(name) : join(dirname(path), String(name))
    files.push(file)
    const found = await disk.read(file)
    if (found === undefined) throw new KubeconfigError(`${path} names ${file}, which is not there`)
    return found
  }
  for (const section of sectionsOf(config)) {
    for (const [name, data] of Object.entries(asData)) {
      if (section[name] === undefined) continue
      section[data] = Buffer.from(await content(section[name])).toString('base64')
      delete section[name]
    }
    if (section['tokenFile'] === undefined) continue
    section['token'] = (await content(section['tokenFile'])).trim()
    delete section['tokenFile']
  }
  return { endpoint: fromKubeconfig(stringify(config)), files }
}

type Section = Record<string, unknown>

function parseConfig(text: string, path: string): Section {
  try {
    const config: unknown = parse(text)
    if (isSection(config)) return config
  } catch (error) {
    throw new KubeconfigError(`${path}: ${(error as Error).message.split('\n')[0]}`, { cause: error })
  }
  throw new KubeconfigError(`${path} holds no mapping of clusters, contexts and users`)
}

/** The clusters and users themselves. */
function sectionsOf(config: Section): Section[] {
  const entries = [config['clusters'], config['users']].flatMap((list) =>
    Array.isArray(list) ? (list as unknown[]) : [],
  )
  return entries.flatMap((entry) => (isSection(entry) ? [entry['cluster'], entry['user']].filter(isSection) : []))
}

const isSection = (value: unknown): value is Section =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
