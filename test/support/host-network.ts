/** Links between the network namespaces of hosts, as the kernel has them. */
import { execFileSync } from 'node:child_process'

/** What all hosts of a test are plugged into. */
export const bridgeOf = (subnet: number): string => `corbr${subnet}`

/** The end of a host's cable that is on the bridge; without a number, how those of all hosts begin. */
export const linkOf = (subnet: number, number: number | '' = ''): string => `cor${subnet}v${number}`

export const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] })

/** The kernel takes a link away with the host that it leads to, but when it finds the time. */
export function deleteLink(name: string): void {
  try {
    ip('link', 'del', name)
  } catch {
    // There is none.
  }
}
