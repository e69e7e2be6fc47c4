import type { Command } from '../command.ts'
import { connectionFlags } from '../connect.ts'
import { nodeFlags } from '../nodes.ts'
import { closeOrOpen } from './cordon.ts'

export const uncordon: Command = {
  name: 'uncordon',
  summary: 'Open nodes for new pods again',
  usage: 'NODE…',
  flags: { ...nodeFlags, ...connectionFlags },
  examples: ['coracle uncordon node-1'],
  run: (context) => closeOrOpen('uncordon', false, context),
}
