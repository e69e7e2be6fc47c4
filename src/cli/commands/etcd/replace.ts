import { findTool } from '../../../lifecycle/etcd/install.ts'
import { type Replacement, readReplacement, replacePhases } from '../../../lifecycle/etcd/replace.ts'
import { runPhases } from '../../../lifecycle/phase.ts'
import type { Command } from '../../command.ts'
import { accessFlags, dryRunFlag, oneArgument, secondsFlag, textFlags, withEtcd } from './context.ts'

export const replace: Command = {
  name: 'replace',
  summary: 'Replace a member whose host will not come back: remove it, add another as a learner, promote it',
  usage: 'MEMBER [--with NAME=PEER-URL]',
  flags: {
    ...accessFlags,
    dryRun: dryRunFlag,
    with: { type: 'string', value: 'NAME=PEER-URL', help: 'what takes its place (default: the same name and address)' },
    etcdBinary: {
      type: 'string',
      value: 'FILE',
      help: 'the etcd of the new host, when it lies here, to compare versions',
    },
    wait: { type: 'string', value: 'SECONDS', default: '300', help: 'how long to wait for the new member' },
    force: { type: 'boolean', help: 'also when the member answers' },
  },
  examples: [
    'coracle etcd replace master01 --dry-run',
    'coracle etcd replace master01 --with master04=https://10.0.0.4:2380',
  ],

  run: (context) =>
    withEtcd(context, async (connections) => {
      const { flags, print, world } = context
      const dead = oneArgument(context, 'member')
      const { etcdBinary, with: what } = textFlags(flags)
      const version = etcdBinary && (await findTool(world, 'etcd', etcdBinary)).version
      const replacement: Replacement = {
        connections,
        dead,
        next: await readReplacement(connections, dead, what),
        ...(version && { version }),
        force: flags.force === true,
        waitMs: secondsFlag(context, 'wait') * 1000,
        print,
      }
      await runPhases(replacePhases, replacement, { dryRun: flags.dryRun === true, print })
    }),
}
