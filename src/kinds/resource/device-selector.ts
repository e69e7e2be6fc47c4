import { CelCompileError, type CelType, celTypes, compile, formatType, type Program } from '../../cel/index.ts'

const { bool, dyn, field, mapOf, objectType, opaqueType, stringOf } = celTypes

/** What a selector of devices may cost, by the estimate. */
export const selectorCostLimit = 1_000_000

/** How long the text of a selector may be, in bytes. */
export const selectorBytesMax = 10 * 1024

/** As many attributes and capacities a device has at most, together; and as long their names and values are. */
const mostPerDevice = 32
const longestName = 63 + 1 + 32
const longestValue = 64

const name = stringOf(longestName)
const byDomain = (value: CelType) => mapOf(name, mapOf(name, value, mostPerDevice), mostPerDevice)

/** The device that a selector is asked about (KEP-4381). */
const deviceType = objectType('kubernetes.DRADevice', {
  driver: field(stringOf(63)),
  attributes: field(byDomain({ kind: 'dyn', maxElements: longestValue })),
  capacity: field(byDomain(opaqueType('kubernetes.Quantity'))),
  allowMultipleAllocations: field(bool),
})

/** A selector that cannot be used; the message is the detail of a field's fault. */
export class SelectorFault extends Error {}

/**
 * Makes a program of a selector, which gives whether a device fits.
 * @throws SelectorFault
 */
export function compileDeviceSelector(expression: string): Program {
  const program = compiled(expression)
  const { resultType } = program
  if (resultType.kind === bool.kind || resultType.kind === dyn.kind) return program
  throw new SelectorFault(`must evaluate to bool or the unknown type, not ${formatType(resultType)}`)
}

function compiled(expression: string): Program {
  try {
    return compile(expression, { variables: { device: deviceType } })
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error
    throw new SelectorFault(`compilation failed: ${error.message}`, { cause: error })
  }
}
