import type { Command } from '../command.ts'
import { create, generate } from './token/create.ts'
import { deleteTokens, list } from './token/list.ts'

export const token: Command = {
  name: 'token',
  summary: 'Manage bootstrap tokens, by which hosts join',
  flags: {},
  examples: ['coracle token create --print-join-command', 'coracle token list', 'coracle token delete abcdef'],
  subcommands: [create, generate, list, deleteTokens],
}
