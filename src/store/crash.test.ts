/**
 * What was answered is there after a crash, and the store opens every time.
 *
 * Killed processes: `CORACLE_CRASH_RUNS` times (40; 200 with CI=true), two at a time, a writer is killed at a random
 * moment and its store opened again; the next one writes on in the same directory.
 *
 * Power cuts: `CORACLE_POWER_CUTS` times (4; 20 with CI=true) the same on an ext4 file system of its own (a loop
 * device) which is shut down under the writer with EXT4_IOC_SHUTDOWN and "no log flush": what was not synced, data or
 * journal, is gone, as when the machine loses power. Needs root, loop devices and perl (for the ioctl), and is skipped
 * with the reason where they are not.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { realClock, realRandom } from '../world/real.ts'
import { LmdbStore } from './lmdb.ts'

const inCi = process.env['CI'] === 'true'
const crashes = Number(process.env['CORACLE_CRASH_RUNS'] ?? (inCi ? 200 : 40))
const powerCuts = Number(process.env['CORACLE_POWER_CUTS'] ?? (inCi ? 20 : 4))
const writers = 8
/** So many crashes in one directory before a new one is begun. */
const perDirectory = 10

test(`nothing answered is lost when the process is killed, ${crashes} times`, async () => {
  let left = crashes
  const lane = async () => {
    while (left > 0) {
      const directory = await mkdtemp(join(tmpdir(), 'coracle-crash-'))
      const answered = new Map<number, number>()
      for (let run = 0; run < perDirectory && left-- > 0; run++) {
        await crash(directory, answered, (writer) => writer.kill('SIGKILL'))
        await verify(directory, answered)
      }
      await rm(directory, { recursive: true })
    }
  }
  await Promise.all([lane(), lane()])
})

test(`nothing answered is lost when the power is cut, ${powerCuts} times`, { skip: powerCutImpossible() }, async () => {
  const home = await mkdtemp(join(tmpdir(), 'coracle-power-'))
  const mountPoint = join(home, 'mounted')
  const image = join(home, 'image')
  await mkdir(mountPoint)
  run('truncate', '-s', '256M', image)
  run('mkfs.ext4', '-q', image)
  try {
    const answered = new Map<number, number>()
    for (let cut = 0; cut < powerCuts; cut++) {
      run('mount', '-o', 'loop', image, mountPoint)
      await crash(join(mountPoint, 'store'), answered, (writer) => {
        shutDownFileSystem(mountPoint)
        writer.kill('SIGKILL')
      })
      run('umount', mountPoint)
      run('mount', '-o', 'loop', image, mountPoint)
      await verify(join(mountPoint, 'store'), answered)
      run('umount', mountPoint)
    }
  } finally {
    spawnSync('umount', ['-q', mountPoint])
    await rm(home, { recursive: true })
  }
})

/** Lets a writer run for a moment, ends it with `end`, and notes the last number answered to each of its writers. */
async function crash(
  directory: string,
  answered: Map<number, number>,
  end: (writer: ChildProcess) => void,
): Promise<void> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'crash-writer.ts'), directory, `${writers}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  let complaint = ''
  const ready = Promise.withResolvers<void>()
  child.stdout.on('data', (text) => {
    said += text
    if (said.startsWith('ready\n')) ready.resolve()
  })
  child.stderr.on('data', (text) => {
    complaint += text
  })
  const closed = new Promise<void>((done) => child.once('close', () => done()))
  closed.then(() => ready.reject(new Error(`the store did not open: ${complaint}`)))
  await ready.promise
  await realClock.after(realRandom.next() * 120)
  end(child)
  await closed
  for (const line of said.split('\n').slice(1, -1)) {
    const [writer, number] = line.split(' ').map(Number)
    answered.set(writer!, number!)
  }
}

/** Opens the store and looks. What is there now counts as answered from now on. */
async function verify(directory: string, answered: Map<number, number>): Promise<void> {
  await using store = await LmdbStore.open(directory, { clock: realClock, random: realRandom, historyRevisions: 200 })
  const at = (key: string) =>
    Number(
      Buffer.from(store.rangeNow({ from: key }).kvs[0]?.value ?? '0')
        .toString()
        .trim(),
    )
  for (const [writer, number] of answered) {
    const stored = at(`/writer/${writer}/a`)
    assert.ok(
      stored === number || stored === number + 1,
      `writer ${writer}: ${number} was answered, ${stored} is there`,
    )
    assert.equal(at(`/writer/${writer}/b`), stored, 'a transaction is there as a whole')
    assert.equal(at(`/writer/${writer}/only-${stored % 5}`), stored)
    answered.set(writer, stored)
  }
  for (let revision = Math.max(1, store.compacted); revision <= store.revision; revision++) {
    const { kvs } = store.rangeNow({ from: '\0', to: '\0', revision })
    if (revision > 1)
      assert.ok(
        kvs.some((kv) => kv.modRevision === revision),
        `revision ${revision} is readable`,
      )
  }
}

function powerCutImpossible(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root, to mount a file system of its own'
  for (const [program, option] of [
    ['perl', '-v'],
    ['mkfs.ext4', '-V'],
    ['losetup', '-f'],
  ] as const) {
    if (spawnSync(program, [option]).status !== 0) return `needs ${program}`
  }
  return undefined
}

/** EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH (2). */
function shutDownFileSystem(mountPoint: string): void {
  run(
    'perl',
    '-e',
    'open(my $f, "<", $ARGV[0]) or die; my $flag = pack("L", 2); ioctl($f, 0x8004587d, $flag) or die "$!"',
    mountPoint,
  )
}

function run(program: string, ...words: string[]): void {
  const { status, stderr } = spawnSync(program, words, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${words.join(' ')}: ${stderr}`)
}
