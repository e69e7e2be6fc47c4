import type { Argument } from '../config/types.ts'

/** A command line of usual arguments and those of the configuration, which take their place; sorted by name. */
export function commandLine(
  program: string,
  usual: Readonly<Record<string, string>>,
  extra: readonly Argument[] = [],
): readonly string[] {
  const replaced = new Set(extra.map(({ name }) => name))
  const args = [
    ...Object.entries(usual)
      .filter(([name]) => !replaced.has(name))
      .map(([name, value]) => ({ name, value })),
    ...extra,
  ]
  // Sorting is stable: the same flag several times stays in its order.
  args.sort((one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0))
  return [program, ...args.map(({ name, value }) => `--${name}=${value}`)]
}

/** `10.0.0.1:2379`, `[fd00::1]:2379`. */
export const hostPort = (host: string, port: number): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

/** The loopback address of the family of an address. */
export const loopbackOf = (address: string): string => (address.includes(':') ? '::1' : '127.0.0.1')
