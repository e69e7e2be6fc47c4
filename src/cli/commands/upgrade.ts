import type { Command } from '../command.ts'
import { apply } from './upgrade/apply.ts'
import { node } from './upgrade/node.ts'
import { plan } from './upgrade/plan.ts'

export const upgrade: Command = {
  name: 'upgrade',
  summary: 'Bring a cluster of hosts to another version',
  flags: {},
  examples: ['upgrade plan', 'upgrade apply v1.36.2', 'upgrade node'],
  subcommands: [apply, node, plan],
}
