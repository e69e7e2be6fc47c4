import { humanDuration } from '../../base/duration.ts'
import { drill as runDrill } from '../../cluster/drill.ts'
import { compareKeys, countsOf, digestOf, type KeyState } from '../../lifecycle/backup/contents.ts'
import { findBackup, type OpenedBackup, openBackup } from '../../lifecycle/backup/open.ts'
import { keysOfSnapshot } from '../../lifecycle/backup/snapshot-keys.ts'
import { type Command, type CommandContext, UserError } from '../command.ts'
import { absolute, integerFlag } from '../flags.ts'
import { placeFlags, placeOf, secretFlags, secretOf, sourceFlags, sourceOf, workDirFlag } from './backup/common.ts'

const restore: Command = {
  name: 'restore',
  summary: 'Bring the last backup to life beside everything, compare it, say how long it took',
  usage: '[NAME]',
  flags: {
    ...placeFlags,
    ...secretFlags,
    ...sourceFlags,
    workDir: workDirFlag,
    live: { type: 'boolean', help: 'compare with the cluster that runs, not only with what the backup says of itself' },
    run: {
      type: 'string',
      value: 'SECONDS',
      default: '60',
      help: 'how long the restored cluster runs, in its own time',
    },
  },
  examples: [
    'coracle drill restore --in /backups --passphrase-file /root/passphrase',
    'coracle drill restore --in /backups --passphrase-file /root/passphrase --live',
  ],

  async run(context) {
    const { args, flags, world, print } = context
    const from = world.clock.monotonic()
    const since = () => `${((world.clock.monotonic() - from) / 1000).toFixed(1)} s`
    const place = placeOf(context)
    const name = await findBackup(place, args[0])
    const workDir = absolute(String(flags.workDir))
    const snapshot = `${workDir}/${name}.drill.db`
    const backup = await openBackup(world, place, name, await secretOf(context), snapshot)
    try {
      const age = world.clock.now() - Date.parse(backup.contents.createdAt)
      print(`${name}: opened and whole after ${since()}, ${humanDuration(age)} old`)
      const faults = await compare(context, backup)
      const result = await runDrill({
        ...{ world, snapshot, workDir: `${workDir}/${name}.drill` },
        startMs: Date.parse(backup.contents.createdAt),
        runMs: integerFlag(flags, 'run', 1, 86_400) * 1000,
      }).catch((cause: Error) => {
        throw new UserError(`the restored cluster does not come to life: ${cause.message}`, { cause })
      })
      const objects = Object.values(result.served).reduce((sum, count) => sum + count, 0)
      print(
        `restored at revision ${result.revision}; the API serves ${objects} objects of ${Object.keys(result.served).length} kinds`,
      )
      print(
        `after ${flags.run} s of its own time: ${result.nodesReady} of ${result.nodes} nodes Ready, ${result.podsRunning} of ${result.pods} pods running`,
      )
      for (const line of result.unreadable) print(`not served: ${line}`)
      print(`took ${since()}`)
      if (faults + result.unreadable.length > 0) throw new UserError('the restored cluster is not what was backed up')
    } finally {
      await world.disk.remove(snapshot)
    }
  },
}

/** How many faults there are: what changed since the backup is none. */
async function compare(context: CommandContext, backup: OpenedBackup): Promise<number> {
  const { print, world } = context
  const { store } = backup.contents
  const keys = await keysOfSnapshot(world, backup.snapshot)
  const isSame = digestOf(keys) === store.digest
  print(isSame ? `holds all ${keys.size} keys that it held` : 'does not hold the keys that it held:')
  if (!isSame) printCounts(print, store.counts, countsOf(keys.keys()))
  if (context.flags.live) await compareLive(context, keys)
  return isSame ? 0 : 1
}

async function compareLive(context: CommandContext, backedUp: ReadonlyMap<string, KeyState>): Promise<void> {
  const { world, flags, print } = context
  const file = `${absolute(String(flags.workDir))}/drill-live-${Buffer.from(world.random.bytes(4)).toString('hex')}.db`
  try {
    await (await sourceOf(context)).saveStore(file)
    const { onlyInFirst, onlyInSecond, changed } = compareKeys(backedUp, await keysOfSnapshot(world, file))
    const total = onlyInFirst.length + onlyInSecond.length + changed.length
    if (total === 0) return print('the running cluster holds the same')
    print(`since then: ${onlyInSecond.length} made, ${changed.length} changed, ${onlyInFirst.length} deleted`)
    for (const [what, list] of [
      ['made', onlyInSecond],
      ['changed', changed],
      ['deleted', onlyInFirst],
    ] as const) {
      for (const key of list.slice(0, shownMax)) print(`  ${what}: ${key}`)
      if (list.length > shownMax) print(`  ${what}: ${list.length - shownMax} more`)
    }
  } finally {
    await world.disk.remove(file)
  }
}

const shownMax = 20

function printCounts(
  print: (line: string) => void,
  expected: Readonly<Record<string, number>>,
  found: Readonly<Record<string, number>>,
): void {
  for (const kind of new Set([...Object.keys(expected), ...Object.keys(found)])) {
    const [was, is] = [expected[kind] ?? 0, found[kind] ?? 0]
    if (was !== is) print(`  ${kind}: ${was} then, ${is} now`)
  }
}

export const drill: Command = {
  name: 'drill',
  summary: 'Rehearse what is hoped never to be needed',
  flags: {},
  examples: ['coracle drill restore --in /backups --passphrase-file /root/passphrase'],
  subcommands: [restore],
}
