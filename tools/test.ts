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
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
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
  const failed = runFiles(files.sort())
  if (failed.length === 0) return 0
  // Tests with real processes on a busy machine fail now and then; what fails twice is broken.
  console.log(`\nfailed, and tried once more:\n${failed.map((file) => `  ${file}`).join('\n')}\n`)
  const again = runFiles(failed)
  for (const file of failed)
    if (!again.includes(file)) console.log(`FLAKY: ${file} failed once and passed at the second try`)
  return again.length === 0 ? 0 : 1
}

/** Runs test files and gives those in which something failed. */
function runFiles(files: readonly string[]): string[] {
  const report = join(cache, 'tests.xml')
  mkdirSync(cache, { recursive: true })
  const reporters = ['spec', 'stdout', 'junit', report].map((value, index) =>
    index % 2 === 0 ? `--test-reporter=${value}` : `--test-reporter-destination=${value}`,
  )
  const flags = ['--disable-warning=ExperimentalWarning', '--test', '--test-concurrency=2', ...reporters]
  const { status } = spawnSync(process.execPath, [...flags, ...files], { cwd: root, stdio: 'inherit' })
  if (status === 0) return []
  const failures = readFileSync(report, 'utf8').matchAll(/<testcase [^>]*file="([^"]+)"[^>]*>\s*<failure/g)
  const failed = [...new Set([...failures].map((match) => relative(root, match[1]!)))]
  // A file that broke off says nothing of itself.
  return failed.length > 0 ? failed : [...files]
}

function run(command: string, args: readonly string[], env: Record<string, string> = {}): void {
  const result = spawnSync(command, args, { cwd: cache, env: { ...process.env, ...env }, encoding: 'utf8' })
  if (result.status !== 0) console.log(`${command} ${args.join(' ')} failed: ${result.stderr || result.error?.message}`)
}
