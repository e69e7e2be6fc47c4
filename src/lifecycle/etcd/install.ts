import type { Exec } from '../../world/world.ts'
import { EtcdCareError } from './faults.ts'
import { requireKnownVersion } from './versions.ts'

/** The programs of etcd on this host: found, and their versions known. */
export interface EtcdTool {
  readonly path: string
  readonly version: string
}

type ToolName = 'etcd' | 'etcdctl' | 'etcdutl'

/** What is given, or else what is on the search path. Throws an `EtcdCareError` that says how to get one. */
export async function findTool({ exec }: { exec: Exec }, name: ToolName, given?: string): Promise<EtcdTool> {
  const path = given ? await exec.which(given.includes('/') ? given : `./${given}`) : await exec.which(name)
  if (!path) {
    throw new EtcdCareError(given ? `${given} is no program` : `there is no ${name} on the search path`, {
      hint: howToInstall(name),
    })
  }
  return { path, version: await versionOf(exec, name, path) }
}

export const howToInstall = (name: ToolName): string =>
  `install Debian's package ${name === 'etcd' ? 'etcd-server' : 'etcd-client'} (apt-get install ${name === 'etcd' ? 'etcd-server' : 'etcd-client'}), ` +
  `or unpack a release of etcd 3.4 to 3.6 and say where: --${name}-binary FILE`

async function versionOf(exec: Exec, name: ToolName, path: string): Promise<string> {
  const args = name === 'etcd' ? ['--version'] : ['version']
  const { stdout, stderr, code } = await exec.run(path, args, { env: { ETCDCTL_API: '3' }, timeoutMs: 10_000 })
  const [, version] = /^(?:etcd|etcdctl|etcdutl) [Vv]ersion: (\S+)/m.exec(stdout) ?? []
  if (code !== 0 || !version) {
    throw new EtcdCareError(`${path} does not say its version: ${(stderr || stdout).trim().split('\n')[0]}`)
  }
  requireKnownVersion(version, path)
  return version
}

/** What restores snapshots: `etcdutl` from 3.5 on, `etcdctl` up to 3.5. */
export async function findRestorer(
  world: { exec: Exec },
  given: { readonly etcdutl?: string | undefined; readonly etcdctl?: string | undefined },
): Promise<EtcdTool> {
  if (given.etcdutl) return findTool(world, 'etcdutl', given.etcdutl)
  if (given.etcdctl) return findTool(world, 'etcdctl', given.etcdctl)
  if (await world.exec.which('etcdutl')) return findTool(world, 'etcdutl')
  const tool = await findTool(world, 'etcdctl')
  if (!tool.version.startsWith('3.6')) return tool
  throw new EtcdCareError(`${tool.path} is of ${tool.version}, which restores nothing: that is etcdutl's from 3.6 on`, {
    hint: 'give --etcdutl-binary FILE',
  })
}
