import { DurationError, parseDuration } from '../../../base/duration.ts'
import { joinCommand } from '../../../lifecycle/tokens/join-command.ts'
import { createTokens, defaultTokenGroup, defaultTokenUsages, expiryAfter } from '../../../lifecycle/tokens/secrets.ts'
import { newToken, parseToken, tokenText } from '../../../lifecycle/tokens/token.ts'
import { parseCertificateKey } from '../../../lifecycle/tokens/upload.ts'
import { type Command, UserError } from '../../command.ts'
import { asAdministrator, connectionFlag } from './connection.ts'

export const create: Command = {
  name: 'create',
  summary: 'Create bootstrap tokens on the server',
  usage: '[TOKEN]',
  flags: {
    ttl: {
      type: 'string',
      value: 'DURATION',
      default: '24h0m0s',
      help: 'the duration before the token is automatically deleted (e.g. 1s, 2m, 3h); 0: never',
    },
    usages: {
      type: 'string',
      value: 'LIST',
      default: defaultTokenUsages.join(','),
      help: 'ways in which this token can be used: signing, authentication',
    },
    groups: {
      type: 'string',
      value: 'LIST',
      default: defaultTokenGroup,
      help: 'extra groups that this token will authenticate as',
    },
    description: { type: 'string', value: 'TEXT', help: 'a human friendly description of how this token is used' },
    printJoinCommand: { type: 'boolean', help: 'print the full join command instead of the token alone' },
    certificateKey: {
      type: 'string',
      value: 'KEY',
      help: 'with --print-join-command: print the command for another control plane',
    },
    dryRun: { type: 'boolean', help: 'have the server check it, and change nothing' },
    ...connectionFlag,
  },
  examples: ['coracle token create --print-join-command', 'coracle token create abcdef.0123456789abcdef --ttl 0'],

  async run(context) {
    const { args, flags, world, print } = context
    const token = args[0] === undefined ? newToken(world.random) : parseToken(args[0])
    const certificateKey = flags.certificateKey as string | undefined
    if (certificateKey !== undefined) parseCertificateKey(certificateKey)
    const wanted = {
      token,
      usages: listOf(flags.usages),
      groups: listOf(flags.groups),
      ...(flags.description ? { description: flags.description as string } : {}),
      ...expiryAfter(world.clock, ttlOf(flags.ttl as string)),
    }
    await asAdministrator(context, async (client, { server, certificateAuthority = '' }) => {
      await createTokens(client, [wanted], { dryRun: Boolean(flags.dryRun) })
      const text = tokenText(token)
      if (!flags.printJoinCommand) return print(text)
      print(joinCommand({ server, certificateAuthority, token: text, ...(certificateKey && { certificateKey }) }))
    })
  },
}

export const generate: Command = {
  name: 'generate',
  summary: 'Generate and print a bootstrap token, but do not create it on the server',
  flags: {},
  examples: ['coracle token generate'],
  async run({ world, print }) {
    print(tokenText(newToken(world.random)))
  },
}

const listOf = (value: unknown) => String(value).split(',').filter(Boolean)

function ttlOf(text: string): number {
  try {
    const ms = parseDuration(text)
    if (ms >= 0) return ms
  } catch (error) {
    if (!(error instanceof DurationError)) throw error
  }
  throw new UserError(`--ttl is a time such as 24h or 0, not "${text}"`, { exitCode: 2 })
}
