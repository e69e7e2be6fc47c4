/**
 * Completes package-lock.json after `npm install`: optional packages for other platforms than this one, which a
 * registry mirror may not have, must be named in it all the same, or `npm ci` refuses the whole file.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface Entry {
  readonly version?: string
  readonly dev?: boolean
  readonly optional?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
  readonly libc?: readonly string[]
}

const file = join(import.meta.dirname, '../package-lock.json')
const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, Entry> }

for (const { dev, optionalDependencies = {} } of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    lock.packages[`node_modules/${name}`] ??= {
      version: version.replace(/^[\^~]/, ''),
      ...(dev && { dev }),
      optional: true,
      ...platformOf(name),
    }
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)))
writeFileSync(file, `${JSON.stringify(lock, undefined, 2)}\n`)

/** Such packages are named after where they run: `@biomejs/cli-linux-x64-musl`. */
function platformOf(name: string): Entry {
  const os = /darwin|linux|win32|android|freebsd|openbsd|netbsd|sunos|aix/.exec(name)?.[0]
  const cpu = /arm64|x64|ia32|arm|ppc64|riscv64|s390x|loong64|mips64el/.exec(name)?.[0]
  return { ...(os && { os: [os] }), ...(cpu && { cpu: [cpu] }), ...(name.includes('musl') && { libc: ['musl'] }) }
}
