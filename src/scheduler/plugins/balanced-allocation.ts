import { amountOf } from '../../kinds/core/amounts.ts'
import { definePlugin, type Plugin } from '../plugin.ts'

/** Prefers nodes of which resources, usually CPU and memory, are used alike, so that none is left over. */
export function makeBalancedAllocation(resources: readonly string[] = ['cpu', 'memory']): Plugin {
  const isUsual = resources.join() === 'cpu,memory'
  return definePlugin<undefined>({
    name: 'NodeResourcesBalancedAllocation',
    scoresLocally: true,
    listens: [],
    wakes: () => false,
    scorer({ requests }) {
      // Who asks for nothing changes no balance.
      if (resources.every((name) => amountOf(requests, name) === 0)) return undefined
      // As it almost always is, without a list for each node.
      if (isUsual) {
        return ({ requested, allocatable }) => {
          if (allocatable.cpu === 0 || allocatable.memory === 0) return 100
          const cpu = Math.min(1, (requested.cpu + requests.cpu) / allocatable.cpu)
          const memory = Math.min(1, (requested.memory + requests.memory) / allocatable.memory)
          return (1 - Math.abs(cpu - memory) / 2) * 100
        }
      }
      return ({ requested, allocatable }) => {
        const shares: number[] = []
        for (const name of resources) {
          const total = amountOf(allocatable, name)
          if (total > 0) shares.push(Math.min(1, (amountOf(requested, name) + amountOf(requests, name)) / total))
        }
        return (1 - deviation(shares)) * 100
      }
    },
    best: 'percent',
    weight: 1,
  })
}

/** The standard deviation; of two numbers it is half their distance. */
function deviation(numbers: readonly number[]): number {
  if (numbers.length < 2) return 0
  if (numbers.length === 2) return Math.abs(numbers[0]! - numbers[1]!) / 2
  const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length
  return Math.sqrt(numbers.reduce((sum, number) => sum + (number - mean) ** 2, 0) / numbers.length)
}
