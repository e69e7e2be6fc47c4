import assert from 'node:assert/strict'
import { dirname, relative, resolve } from 'node:path'
import { test } from 'node:test'
import { importsOf, root, sourceFiles, textOf } from './support/sources.ts'

interface Ban {
  readonly pattern: RegExp
  readonly instead: string
}

/** What makes two runs differ comes in through the world. */
const banned: readonly Ban[] = [
  { pattern: /\bDate\.now\(/, instead: 'clock.now()' },
  { pattern: /\bnew Date\(\)/, instead: 'new Date(clock.now())' },
  { pattern: /\bperformance\.now\(/, instead: 'clock.monotonic()' },
  { pattern: /\b(setTimeout|setInterval)\(/, instead: 'clock.timer() or clock.after()' },
  { pattern: /\bsetImmediate\(/, instead: 'queueMicrotask() or clock.timer()' },
  { pattern: /\bMath\.random\(/, instead: 'random.next()' },
  { pattern: /\brandom(UUID|Bytes|Int)\(/, instead: 'random.uuid(), random.bytes(), random.int()' },
  {
    pattern:
      /from 'node:(fs|fs\/promises|net|http|https|http2|tls|dgram|child_process|timers|timers\/promises|worker_threads)'/,
    instead: 'the world (disk, exec, network)',
  },
  { pattern: /\b(WeakRef|FinalizationRegistry)\b/, instead: 'explicit ownership: garbage collection can be observed' },
  {
    pattern: /\.toLocale(String|DateString|TimeString|LowerCase|UpperCase)\(/,
    instead: 'formatting that does not depend on the host',
  },
]

/** Files that adapt the outside: named after what they adapt. */
const adapters: readonly string[] = [
  'src/world/',
  'src/store/lmdb',
  'src/etcd/client.ts',
  'src/etcd/server/grpc.ts',
  'src/etcd/snapshot-file.ts',
  'src/etcd/server/migrate.ts',
  'src/store/encryption/kms-client.ts',
  'src/apiserver/server.ts',
  'src/apiserver/socket-',
  'src/apiserver/lost-connections.ts',
  'src/client/http-connection.ts',
  'src/lifecycle/balancer/tcp.ts',
  'src/program.ts',
  // isIP is a pure function of a text.
  'src/lifecycle/pki.ts',
]

/** The bundler throws what was thrown in one turn of a loop again in every later one: a function has its own. */
test('nothing is opened by `using` in a loop', () => {
  const faults = ['src', 'sim'].flatMap(sourceFiles).flatMap((file) => {
    const lines = textOf(file).split('\n')
    const isLooped = lines.some((line, at) => /^\s+(await )?using /.test(line) && isInLoop(lines, at))
    return isLooped && !isTest(file) ? [`${file}: give the turn of the loop a function of its own`] : []
  })
  assert.deepEqual(faults, [])
})

/** Whether a loop is nearer to the line than its function, by what stands further to the left above it. */
function isInLoop(lines: readonly string[], at: number): boolean {
  const depth = (line: string) => line.search(/\S/)
  for (let here = depth(lines[at]!), above = at - 1; above >= 0; above--) {
    const line = lines[above]!
    if (depth(line) < 0 || depth(line) >= here) continue
    here = depth(line)
    if (/^\s*(for|while|do)\b/.test(line)) return true
    if (/=> \{$/.test(line) || (/\) ?(: .*)?\{$/.test(line) && !/^\s*(\} )?(if|else|switch|catch)\b/.test(line)))
      return false
  }
  return false
}

test('nothing outside world/ and the adapters reaches for time, chance, disk or network', () => {
  const faults: string[] = []
  for (const file of [...sourceFiles('src'), ...sourceFiles('sim')]) {
    if (isTest(file) || adapters.some((adapter) => file.startsWith(adapter))) continue
    const code = withoutComments(textOf(file))
    for (const { pattern, instead } of banned) {
      const found = pattern.exec(code)
      if (found) faults.push(`${file}: ${found[0]} is banned here; use ${instead}`)
    }
  }
  assert.deepEqual(faults, [])
})

test('every file is imported by somebody', () => {
  // Programs of their own.
  const roots = ['src/main.ts', 'src/snapshot.ts', 'src/index.ts', 'src/store/crash-writer.ts']
  const files = ['src', 'sim', 'test', 'tools', 'bench'].flatMap(existing)
  const imported = new Set(
    files.flatMap((file) =>
      importsOf(file)
        .filter(isRelative)
        .map((target) => toPath(file, target)),
    ),
  )
  const orphans = sourceFiles('src').filter(
    (file) =>
      !imported.has(file) && !roots.includes(file) && !file.endsWith('.test.ts') && !textOf(file).startsWith('#!'),
  )
  assert.deepEqual(orphans, [])
})

test('nothing is left lying about', () => {
  const marks = /\b(TODO|FIXME|XXX|HACK)\b|@ts-ignore|@ts-expect-error|\.only\(/
  const anyType = /\bas any\b|: any\b/
  const faults = ['src', 'sim', 'test', 'tools', 'bench']
    .flatMap(existing)
    .filter((file) => file !== 'test/tidy.test.ts')
    .flatMap((file) => {
      const found = marks.exec(textOf(file)) ?? anyType.exec(withoutComments(textOf(file)))
      return found ? [`${file}: ${found[0]}`] : []
    })
  assert.deepEqual(faults, [])
})

const isTest = (file: string) => /\.test\.ts$|(^|\/)(conformance|model|crash)[^/]*\.ts$/.test(file)
const isRelative = (target: string) => target.startsWith('.')
const toPath = (file: string, target: string) => relative(root, resolve(root, dirname(file), target))
const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, '')

function existing(folder: string): string[] {
  try {
    return sourceFiles(folder)
  } catch {
    return []
  }
}
