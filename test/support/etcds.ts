/** The real etcds that are here, and tests told with each. */
import { execFileSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { root } from './sources.ts'

/** A release of etcd: a folder with `etcd`, `etcdctl` and, from 3.5 on, `etcdutl`. */
export interface EtcdRelease {
  readonly version: string
  readonly folder: string
}

/** Debian 13's, which `npm test` unpacks. */
const newer = join(root, '.cache/etcd-3.5/usr/bin')

/**
 * Tests told with the etcd on the search path, with the newer one from Debian, and with those in the folders that
 * `CORACLE_ETCDS` names (with colons between). While they are told, the search path finds that one first.
 */
export function describeEachEtcd(title: string, tests: (release: EtcdRelease) => void): void {
  for (const { release, missing } of releases()) {
    describe(`${title}, etcd ${release.version}`, { skip: missing }, () => {
      const path = process.env['PATH']
      before(() => {
        process.env['PATH'] = `${release.folder}:${path}`
      })
      after(() => {
        process.env['PATH'] = path
      })
      tests(release)
    })
  }
}

export function testEachEtcd(title: string, story: (release: EtcdRelease) => Promise<void>): void {
  describeEachEtcd(title, (release) => {
    test(title, () => story(release))
  })
}

/** Those that are here. */
export const etcdReleases = (): readonly EtcdRelease[] =>
  releases().flatMap(({ release, missing }) => (missing ? [] : [release]))

/** The first is the one on the search path, which in CI may not be missing. The newer may: its package is another system's. */
function releases(): { readonly release: EtcdRelease; readonly missing?: string }[] {
  const missing = missingProgram('etcd') ?? missingProgram('etcdctl')
  const onPath = missing ? { version: '3.4', folder: '' } : releaseIn(folderOf('etcd')!)
  const others = [newer, ...(process.env['CORACLE_ETCDS']?.split(':') ?? [])].map((folder) =>
    ['etcd', 'etcdctl'].every((name) => isProgram(join(folder, name)))
      ? { release: releaseIn(folder) }
      : {
          release: { version: '3.5', folder },
          missing: `etcd is not in ${folder}: npm test gets it from Debian 13 where this is root on Debian and that can be reached`,
        },
  )
  return [
    { release: onPath, ...(missing && { missing }) },
    ...others.filter(({ release }) => release.version !== onPath.version),
  ]
}

function releaseIn(folder: string): EtcdRelease {
  const said = execFileSync(join(folder, 'etcd'), ['--version'], { encoding: 'utf8' })
  return { version: /^etcd Version: (\S+)/.exec(said)![1]!, folder }
}

export const minorOf = ({ version }: EtcdRelease): number => Number(version.split('.')[1])

/** Why tests with that program are skipped; undefined: they run. In CI a missing one is a failure. */
export function missingProgram(name: 'etcd' | 'etcdctl'): string | undefined {
  if (folderOf(name) !== undefined) return undefined
  const reason = `${name} is missing (apt-get install ${name === 'etcd' ? 'etcd-server' : 'etcd-client'})`
  if (process.env['CI'] === 'true') throw new Error(reason)
  return reason
}

const folderOf = (name: string) => process.env['PATH']?.split(':').find((folder) => isProgram(join(folder, name)))

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
