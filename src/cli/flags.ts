import { isAbsolute, join } from 'node:path'
import { type CommandContext, type Flag, UserError } from './command.ts'

/** Flags that several commands share. */
export const dataDirFlag: Flag = {
  type: 'string',
  value: 'DIR',
  help: 'where the cluster keeps its state and keys (default ~/.coracle)',
}
export const kubeconfigFlag: Flag = {
  type: 'string',
  value: 'FILE',
  help: 'kubeconfig to write to (default $KUBECONFIG or ~/.kube/config)',
}

/** The context that `up` puts into the kubeconfig. */
export const contextName = 'coracle'

export function dataDirOf({ flags, env }: Pick<CommandContext, 'flags' | 'env'>): string {
  return absolute((flags.dataDir as string | undefined) ?? join(homeOf(env), '.coracle'))
}

/** `$KUBECONFIG` may list several files; the first is the one that is written to, as kubectl does. */
export function kubeconfigOf({ flags, env }: Pick<CommandContext, 'flags' | 'env'>): string {
  const fromEnvironment = env.KUBECONFIG?.split(':').find((path) => path !== '')
  return absolute((flags.kubeconfig as string | undefined) ?? fromEnvironment ?? join(homeOf(env), '.kube/config'))
}

function homeOf(env: CommandContext['env']): string {
  if (env.HOME) return env.HOME
  throw new UserError('$HOME is not set', { hint: 'give --data-dir and --kubeconfig' })
}

/** As a path from here when it is not one from the root. */
export const absolute = (path: string): string => (isAbsolute(path) ? path : join(process.cwd(), path))

/** A whole number within bounds. */
export function integerFlag(flags: CommandContext['flags'], name: string, least: number, most: number): number {
  const text = String(flags[name])
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && value <= most) return value
  const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  throw new UserError(`--${flag} must be a whole number from ${least} to ${most}, not "${text}"`, { exitCode: 2 })
}
