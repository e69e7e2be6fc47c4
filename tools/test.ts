/**
 * Runs everything that must hold: types, formatting and lint, then all tests.
 *
 *   npm test                      all
 *   npm test -- src/store         the tests below a folder, or one file
 *
 * Tests with real parts (etcd, kubectl) get them from Debian's packages where this runs as root; elsewhere they are
 * skipped and say so. With CI=true nothing may be skipped.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, readdirSync, statSync } from 'node:fs'
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
  const args = ['--disable-warning=ExperimentalWarning', '--test', '--test-concurrency=2', ...files.sort()]
  const { status } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, CORACLE_TEST_BUNDLE: buildOnce() },
  })
  return status ?? 1
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

function run(command: string, args: readonly string[], env: Record<string, string> = {}): void {
  const result = spawnSync(command, args, { cwd: cache, env: { ...process.env, ...env }, encoding: 'utf8' })
  if (result.status !== 0) console.log(`${command} ${args.join(' ')} failed: ${result.stderr || result.error?.message}`)
}
