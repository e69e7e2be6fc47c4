import { goYaml } from '../../../base/go-yaml.ts'
import { expiryObject, expiryTables, readExpiry } from '../../../lifecycle/pki/expiry.ts'
import { type Command, UserError } from '../../command.ts'
import { choosePki, pkiFlags } from './settings.ts'

export const checkExpiration: Command = {
  name: 'check-expiration',
  summary: 'Check certificates expiration for a Kubernetes cluster',
  flags: {
    ...pkiFlags,
    output: { type: 'string', value: 'FORMAT', short: 'o', default: 'text', help: 'text, json or yaml' },
  },
  examples: ['coracle certs check-expiration', 'coracle certs check-expiration --data-dir ~/.coracle -o json'],

  async run(context) {
    const { flags, world, print } = context
    const format = flags.output as string
    if (!['text', 'json', 'yaml'].includes(format)) {
      throw new UserError(`--output knows text, json and yaml, not "${format}"`, { exitCode: 2 })
    }
    // What is for programs is that alone.
    const told = format === 'text' ? context : { ...context, print: () => {} }
    const { settings, set } = await choosePki(told, 'check-expiration')
    const report = await readExpiry(set, settings, world.disk)
    if (format === 'text') for (const line of expiryTables(report, world.clock)) print(line)
    else if (format === 'json') print(JSON.stringify(expiryObject(report, world.clock), undefined, 4))
    else print(goYaml(expiryObject(report, world.clock)).trimEnd())
  },
}
