import type { Family } from './backends.ts'
import type { RulesChange } from './transaction.ts'

/**
 * Datagrams have no end by which the kernel could tell that a conversation is over: who goes on sending is led to where he
 * was led before, also when nobody is there any more, or when nobody was then and somebody is now. Gives the arguments of
 * `conntrack` that make it forget such conversations, one list for each call.
 */
export function staleFlows(changes: readonly RulesChange[], family: Family): readonly (readonly string[])[] {
  return changes.flatMap(({ old, next }) => {
    const keys = new Set([...(old?.datagrams.keys() ?? []), ...(next?.datagrams.keys() ?? [])])
    return [...keys].flatMap((key) => {
      const before = old?.datagrams.get(key) ?? []
      const after = new Set(next?.datagrams.get(key))
      const gone = before.filter((address) => !after.has(address))
      const forget = ['-D', '-f', `ipv${family}`, '-p', 'udp', ...destinationOf(key)]
      // While there was nobody, all that was sent went nowhere.
      if (before.length === 0 && after.size > 0) return [forget]
      return gone.map((address) => [...forget, '--dst-nat', address])
    })
  })
}

function destinationOf(key: string): readonly string[] {
  const [first = '', port] = key.split(' ')
  return port === undefined ? ['--orig-port-dst', first] : ['--orig-dst', first, '--orig-port-dst', port]
}
