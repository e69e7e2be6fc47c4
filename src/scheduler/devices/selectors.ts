import { CelEvaluationError, celTypes, compile, type Program } from '../../cel/index.ts'
import { compileDeviceSelector, SelectorFault, selectorCostLimit } from '../../kinds/resource/device-selector.ts'
import type { DeviceAttribute } from '../../kinds/resource/resource-slice.ts'
import type { DeviceSelector } from '../../kinds/resource/shared.ts'
import type { Offer } from './pools.ts'

/** A selector that gives no answer; nobody can be helped before it is mended. */
export class DeviceSelectionFault extends Error {}

interface Prepared {
  readonly program: Program
  /** Domains that the expression names: a device that has nothing there has nothing, which is no fault. */
  readonly domains: readonly string[]
}

const prepared = new Map<string, Prepared>()
const preparedAtMost = 512

/**
 * Whether a device is as the expressions of these selectors want it; `whose` says whose they are.
 * @throws DeviceSelectionFault
 */
export function isWanted(offer: Offer, selectors: readonly DeviceSelector[] | undefined, whose: string): boolean {
  return (selectors ?? []).every(
    ({ cel }, at) => cel === undefined || holds(offer, cel.expression, `${whose}: selector #${at}`),
  )
}

function holds(offer: Offer, expression: string, where: string): boolean {
  try {
    const { program, domains } = programOf(expression)
    return program.evaluate({ device: deviceValue(offer, domains) }, { costLimit: selectorCostLimit }).value === true
  } catch (error) {
    if (error instanceof SelectorFault) throw new DeviceSelectionFault(`${where}: CEL compile error: ${error.message}`)
    if (error instanceof CelEvaluationError)
      throw new DeviceSelectionFault(`${where}: CEL runtime error: ${error.message}`)
    throw error
  }
}

function programOf(expression: string): Prepared {
  let found = prepared.get(expression)
  if (found) return found
  const domains = [...expression.matchAll(/\[\s*(?:"([^"\\]+)"|'([^'\\]+)')\s*\]/g)].map(([, a, b]) => a ?? b!)
  found = { program: compileDeviceSelector(expression), domains }
  if (prepared.size >= preparedAtMost) prepared.clear()
  prepared.set(expression, found)
  return found
}

/** The device as expressions see it: attributes and capacities by domain, those without one in the driver's. */
function deviceValue({ driver, device }: Offer, domains: readonly string[]): object {
  return {
    driver,
    attributes: byDomain(device.attributes ?? {}, driver, domains, attributeValue),
    capacity: byDomain(device.capacity ?? {}, driver, domains, ({ value }) => quantity(value)),
    allowMultipleAllocations: device.allowMultipleAllocations ?? false,
  }
}

function byDomain<T>(
  values: Readonly<Record<string, T>>,
  driver: string,
  domains: readonly string[],
  toValue: (value: T) => unknown,
): Record<string, Record<string, unknown>> {
  const all: Record<string, Record<string, unknown>> = {}
  for (const domain of domains) all[domain] = {}
  for (const [key, value] of Object.entries(values)) {
    const [domain, name] = splitName(key, driver)
    all[domain] ??= {}
    all[domain][name] = toValue(value)
  }
  return all
}

/** Domain and name; names without a domain are the driver's. */
export function splitName(key: string, driver: string): readonly [domain: string, name: string] {
  const slash = key.indexOf('/')
  return slash < 0 ? [driver, key] : [key.slice(0, slash), key.slice(slash + 1)]
}

function attributeValue(attribute: DeviceAttribute): unknown {
  if (attribute.version !== undefined) return semver(attribute.version)
  if (attribute.versions?.length) return attribute.versions.map(semver)
  const { int, bool, string, ints, bools, strings } = attribute
  return int ?? bool ?? string ?? (ints?.length ? ints : bools?.length ? bools : strings)
}

const text = { variables: { text: celTypes.string } }
const toSemver = compile('semver(text)', text)
const toQuantity = compile('quantity(text)', text)
const semver = (value: string) => toSemver.evaluate({ text: value }).value
const quantity = (value: string) => toQuantity.evaluate({ text: value }).value
