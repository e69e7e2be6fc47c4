import { shortHumanDuration } from '../../../base/duration.ts'
import { formatTime } from '../../../base/go-time.ts'
import { goYaml } from '../../../base/go-yaml.ts'
import { columns } from '../../../lifecycle/pki/expiry.ts'
import { type BootstrapToken, deleteToken, listTokens } from '../../../lifecycle/tokens/secrets.ts'
import { tokenIdOf, tokenText } from '../../../lifecycle/tokens/token.ts'
import type { Clock } from '../../../world/world.ts'
import { type Command, UserError } from '../../command.ts'
import { asAdministrator, connectionFlag } from './connection.ts'

export const list: Command = {
  name: 'list',
  summary: 'List bootstrap tokens on the server',
  flags: {
    output: { type: 'string', value: 'FORMAT', short: 'o', default: 'text', help: 'text, json or yaml' },
    ...connectionFlag,
  },
  examples: ['coracle token list', 'coracle token list -o json'],

  async run(context) {
    const { flags, world, print, printError } = context
    const format = flags.output as string
    if (!['text', 'json', 'yaml'].includes(format)) {
      throw new UserError(`--output knows text, json and yaml, not "${format}"`, { exitCode: 2 })
    }
    await asAdministrator(context, async (client) => {
      const { tokens, faults } = await listTokens(client)
      for (const fault of faults) printError(fault)
      if (format === 'text' && tokens.length > 0) for (const line of tableOf(tokens, world.clock)) print(line)
      if (format === 'json') for (const token of tokens) print(JSON.stringify(objectOf(token), undefined, 4))
      if (format === 'yaml')
        print(
          tokens
            .map((token) => goYaml(objectOf(token)))
            .join('---\n')
            .trimEnd(),
        )
    })
  },
}

export const deleteTokens: Command = {
  name: 'delete',
  summary: 'Delete bootstrap tokens on the server',
  usage: 'TOKEN…',
  flags: connectionFlag,
  examples: ['coracle token delete abcdef', 'coracle token delete abcdef.0123456789abcdef'],

  async run(context) {
    const { args, print } = context
    if (args.length === 0) {
      throw new UserError(`missing argument; 'token delete' is missing token of form "\\A([a-z0-9]{6})\\z"`, {
        hint: 'see those that there are: coracle token list',
        exitCode: 2,
      })
    }
    const ids = args.map(tokenIdOf)
    await asAdministrator(context, async (client) => {
      for (const id of ids) {
        await deleteToken(client, id)
        print(`bootstrap token ${JSON.stringify(id)} deleted`)
      }
    })
  },
}

/** As kubeadm prints them, one after the other: the header is set with the first, and every row by itself. */
function tableOf(tokens: readonly BootstrapToken[], clock: Clock): readonly string[] {
  const header = ['TOKEN', 'TTL', 'EXPIRES', 'USAGES', 'DESCRIPTION', 'EXTRA GROUPS']
  return tokens.flatMap((token, at) => columns(at === 0 ? [header, rowOf(token, clock)] : [rowOf(token, clock)]))
}

function rowOf({ token, expiresAtMs, usages, description, groups }: BootstrapToken, clock: Clock): readonly string[] {
  const orNone = (values: readonly string[]) => values.join(',') || '<none>'
  const ttl = expiresAtMs === undefined ? '<forever>' : shortHumanDuration(expiresAtMs - clock.now())
  return [
    tokenText(token),
    ttl.padEnd(9),
    expiresAtMs === undefined ? '<never>' : formatTime(expiresAtMs),
    orNone(usages).padEnd(22),
    (description ?? '<none>').padEnd(56),
    orNone(groups),
  ]
}

function objectOf({ token, expiresAtMs, usages, description, groups }: BootstrapToken): object {
  return {
    kind: 'BootstrapToken',
    apiVersion: 'output.kubeadm.k8s.io/v1alpha3',
    token: tokenText(token),
    ...(description && { description }),
    ...(expiresAtMs !== undefined && { expires: formatTime(expiresAtMs) }),
    ...(usages.length > 0 && { usages }),
    ...(groups.length > 0 && { groups }),
  }
}
