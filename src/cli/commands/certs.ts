import type { Command } from '../command.ts'
import { checkExpiration } from './certs/expiration.ts'
import { renew } from './certs/renew.ts'
import { rescue } from './certs/rescue.ts'
import { rotateCa } from './certs/rotate.ts'
import { certificateKey, generateCsr } from './certs/small.ts'

export const certs: Command = {
  name: 'certs',
  summary: 'See to the certificates of a control plane: when they end, new ones, new authorities',
  flags: {},
  examples: ['coracle certs check-expiration', 'coracle certs renew all', 'coracle certs rescue --dry-run'],
  subcommands: [checkExpiration, renew, generateCsr, certificateKey, rotateCa, rescue],
}
