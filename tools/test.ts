/**
 * Runs everything that must hold: types, formatting and lint, then all tests.
 *
 *   npm test                      all
 *   npm test -- src/store         the tests below a folder, or one file
 *
 * Tests with real parts (etcd, kubectl) get them from Debian's packages where this runs as root; elsewhere they are
 * skipped and say so. With CI=true nothing may be skipped but a newer etcd, which is another release's package.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative } from 'node:path'

const root = join(import.meta.dirname, '..')
const cache = join(root, '.cache')
const wanted = process.argv.slice(2)
let listsAreFresh = false

prepare()
if (wanted.length === 0) check()
process.exit(runTests())

function prepare(): void {
  const root = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
  if (!existsSync('/usr/bin/etcd') || !existsSync('/usr/bin/etcdctl'))
    installable(root, 'etcd and etcdctl', () => apt('install', '-y', '-q', 'etcd-server', 'etcd-client'))
  if (!existsSync('/usr/sbin/haproxy') || !existsSync('/usr/lib/nginx/modules/ngx_stream_module.so'))
    installable(root, 'haproxy and nginx', () => apt('install', '-y', '-q', 'haproxy', 'nginx', 'libnginx-mod-stream'))
  if (
    !existsSync('/usr/bin/faketime') ||
    !['/usr/sbin/ip', '/sbin/ip'].some(existsSync) ||
    !existsSync('/usr/bin/openssl')
  )
    installable(root, 'what hosts of tests are made of', () =>
      apt('install', '-y', '-q', 'iproute2', 'faketime', 'openssl'),
    )
  if (!existsSync(join(cache, 'kubectl-1.20/usr/bin/kubectl')))
    installable(root, 'kubectl 1.20', () => {
      // Unpacked beside whatever kubectl the machine has, because Debian's package would replace it.
      const folder = join(cache, 'kubectl-1.20')
      mkdirSync(folder, { recursive: true })
      apt('download', 'kubernetes-client')
      const archive = readdirSync(cache).find((name) => name.startsWith('kubernetes-client_'))
      if (archive) run('dpkg-deb', ['-x', join(cache, archive), folder])
    })
  if (!existsSync(join(cache, 'etcd-3.5/usr/bin/etcd'))) installable(root, 'etcd 3.5 of Debian 13', newerEtcd)
}

/** Unpacked beside the machine's etcd, with lists of packages of its own, so that the machine's apt stays as it is. */
function newerEtcd(): void {
  const folder = join(cache, 'etcd-3.5')
  const state = join(folder, 'apt')
  mkdirSync(join(state, 'lists/partial'), { recursive: true })
  const mirrors = spawnSync('apt-get', ['indextargets', '--format', '$(SITE)'], { encoding: 'utf8' }).stdout.split('\n')
  const mirror = mirrors.find((site) => site.endsWith('/debian')) ?? 'http://deb.debian.org/debian'
  const key = '/usr/share/keyrings/debian-archive-keyring.gpg'
  writeFileSync(join(state, 'sources.list'), `deb [signed-by=${key}] ${mirror} trixie main\n`)
  const options = [
    `Dir::Etc::sourcelist=${state}/sources.list`,
    'Dir::Etc::sourceparts=-',
    `Dir::State=${state}`,
    'Dir::State::status=/dev/null',
    `Dir::Cache=${state}`,
    'Acquire::http::Timeout=20',
  ].flatMap((option) => ['-o', option])
  run('apt-get', [...options, 'update', '-qq'])
  run('apt-get', [...options, 'download', 'etcd-server', 'etcd-client'], {}, state)
  for (const archive of readdirSync(state).filter((name) => name.endsWith('.deb')))
    run('dpkg-deb', ['-x', join(state, archive), folder])
  rmSync(state, { recursive: true })
}

function installable(possible: boolean, what: string, install: () => void): void {
  if (!possible) return console.log(`note: ${what} is not here and this is not root on Debian: its tests are skipped`)
  console.log(`installing ${what} from Debian's packages ...`)
  install()
}

function apt(...args: string[]): void {
  mkdirSync(cache, { recursive: true })
  if (!listsAreFresh) run('apt-get', ['update', '-qq'])
  listsAreFresh = true
  run('apt-get', args, { DEBIAN_FRONTEND: 'noninteractive' })
}

function check(): void {
  const tool = (name: string) => join(root, 'node_modules/.bin', name)
  for (const [command, ...args] of [
    [tool('tsc'), '--noEmit'],
    [tool('biome'), 'check', '--error-on-warnings', '.'],
  ] as const) {
    const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
    if (status !== 0) process.exit(status ?? 1)
  }
}

function runTests(): number {
  const patterns = wanted.length > 0 ? wanted : ['src', 'test']
  const files = patterns.flatMap((pattern) =>
    existsSync(join(root, pattern)) && statSync(join(root, pattern)).isDirectory()
      ? globSync(`${pattern}/**/*.test.ts`, { cwd: root })
      : [relative(root, join(root, pattern))],
  )
  const deadline = join(root, 'tools/test-deadline.ts')
  const options = ['--disable-warning=ExperimentalWarning', '--import', deadline]
  const args = [...options, join(root, 'tools/run-tests.ts'), String(availableParallelism()), ...inOrder(files)]
  const { status } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      CORACLE_TEST_BUNDLE: buildOnce(),
      // Most test files load the same sources.
      NODE_COMPILE_CACHE: join(cache, 'compiled'),
    },
  })
  return status ?? 1
}

/**
 * What takes minutes by itself begins first: at the end there would be nothing left to do beside it. What waits, as it
 * runs on hosts, is spread among what computes.
 */
function inOrder(files: readonly string[]): string[] {
  const rankOf = (file: string) => {
    if (file === 'test/simulation.test.ts') return 'first'
    return file.startsWith('test/hosts/') ? 'waits' : 'computes'
  }
  const { first = [], waits = [], computes = [] } = Object.groupBy(files.toSorted(), rankOf)
  const share = Math.ceil(computes.length / (waits.length + 1))
  const spread = waits.flatMap((file, i) => [file, ...computes.slice(i * share, (i + 1) * share)])
  return [...first, ...spread, ...computes.slice(waits.length * share)]
}

/** The program for all tests that run it as a process. */
function buildOnce(): string {
  const folder = join(cache, 'test-build')
  mkdirSync(folder, { recursive: true })
  const bundle = join(folder, 'coracle.mjs')
  const { status } = spawnSync(process.execPath, [join(root, 'tools/build.ts'), bundle], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
  return bundle
}

function run(command: string, args: readonly string[], env: Record<string, string> = {}, cwd = cache): void {
  const result = spawnSync(command, args, { cwd, env: { ...process.env, ...env }, encoding: 'utf8' })
  if (result.status !== 0) console.log(`${command} ${args.join(' ')} failed: ${result.stderr || result.error?.message}`)
}
