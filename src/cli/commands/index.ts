import type { Command } from '../command.ts'
import { down } from './down.ts'
import { kubeconfig } from './kubeconfig.ts'
import { status } from './status.ts'
import { up } from './up.ts'
import { version } from './version.ts'
import { why } from './why.ts'

/** Every command, in the order of the help. To add one, add a file and a line here. */
export const commands: readonly Command[] = [up, down, status, why, kubeconfig, version]
