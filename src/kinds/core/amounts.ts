import { parseQuantity } from '../../base/quantity.ts'

/** Amounts in the units in which they are compared: thousandths for CPU, whole units for everything else. */
export interface Amounts {
  cpu: number
  memory: number
  pods: number
  readonly others: Map<string, number>
}

export const noAmounts = (): Amounts => ({ cpu: 0, memory: 0, pods: 0, others: new Map() })

export function amountsOf(list: Readonly<Record<string, string>>): Amounts {
  const amounts = noAmounts()
  for (const [name, text] of Object.entries(list)) {
    const amount = parseQuantity(text)
    addAmount(amounts, name, name === 'cpu' ? amount.milliValue() : amount.value())
  }
  return amounts
}

export function addAmount(amounts: Amounts, name: string, amount: number): void {
  if (name === 'cpu' || name === 'memory' || name === 'pods') amounts[name] += amount
  else amounts.others.set(name, (amounts.others.get(name) ?? 0) + amount)
}

export function amountOf(amounts: Amounts, name: string): number {
  return name === 'cpu' || name === 'memory' || name === 'pods' ? amounts[name] : (amounts.others.get(name) ?? 0)
}
