/** Amounts of resources: `quantity('1.5Gi').isGreaterThan(quantity('1G'))`. */
import { fitsInt64, isQuantity, parseQuantity, Quantity, QuantityError } from '../../base/quantity.ts'
import { type Library, member, overload } from '../declarations.ts'
import { Failure } from '../failure.ts'
import { bool, double, int, opaqueType, string } from '../types.ts'
import { Double, Opaque, toInt } from '../values.ts'

const quantityType = opaqueType('kubernetes.Quantity')

class QuantityValue extends Opaque {
  readonly typeName = quantityType.name
  readonly quantity: Quantity

  constructor(quantity: Quantity) {
    super()
    this.quantity = quantity
  }

  override equals(other: Opaque): boolean {
    return other instanceof QuantityValue && this.quantity.compare(other.quantity) === 0
  }

  override toString(): string {
    return this.quantity.toString()
  }
}

const pair = [quantityType, quantityType] as const

const compare = ({ quantity }: QuantityValue, other: QuantityValue): number => quantity.compare(other.quantity)

const wholeOf = (value: number | bigint) => new Quantity(BigInt(value), 0, 'DecimalExponent')

export const quantityLibrary: Library = {
  types: { [quantityType.name]: quantityType },
  functions: {
    quantity: [overload('string_to_quantity', [string], quantityType, parse)],
    isQuantity: [overload('is_quantity_string', [string], bool, isQuantity)],
    sign: [member('quantity_sign', [quantityType], int, ({ quantity }: QuantityValue) => quantity.sign)],
    isGreaterThan: [
      member(
        'quantity_is_greater_than',
        pair,
        bool,
        (left: QuantityValue, right: QuantityValue) => compare(left, right) > 0,
      ),
    ],
    isLessThan: [
      member(
        'quantity_is_less_than',
        pair,
        bool,
        (left: QuantityValue, right: QuantityValue) => compare(left, right) < 0,
      ),
    ],
    compareTo: [member('quantity_compare_to', pair, int, compare)],
    asApproximateFloat: [
      member(
        'quantity_get_float',
        [quantityType],
        double,
        ({ quantity }: QuantityValue) => new Double(quantity.toNumber()),
      ),
    ],
    asInteger: [member('quantity_get_int', [quantityType], int, asInteger)],
    isInteger: [
      member(
        'quantity_is_integer',
        [quantityType],
        bool,
        ({ quantity }: QuantityValue) => integerOf(quantity) !== undefined,
      ),
    ],
    add: [
      member(
        'quantity_add',
        pair,
        quantityType,
        ({ quantity }: QuantityValue, other: QuantityValue) => new QuantityValue(quantity.add(other.quantity)),
      ),
      member(
        'quantity_add_int',
        [quantityType, int],
        quantityType,
        ({ quantity }: QuantityValue, other: number | bigint) => new QuantityValue(quantity.add(wholeOf(other))),
      ),
    ],
    sub: [
      member(
        'quantity_sub',
        pair,
        quantityType,
        ({ quantity }: QuantityValue, other: QuantityValue) => new QuantityValue(quantity.subtract(other.quantity)),
      ),
      member(
        'quantity_sub_int',
        [quantityType, int],
        quantityType,
        ({ quantity }: QuantityValue, other: number | bigint) => new QuantityValue(quantity.subtract(wholeOf(other))),
      ),
    ],
  },
}

function parse(text: string): QuantityValue {
  try {
    return new QuantityValue(parseQuantity(text))
  } catch (error) {
    if (error instanceof QuantityError) throw new Failure(error.message)
    throw error
  }
}

/** Undefined for what is no whole number of 64 bits. */
function integerOf(quantity: Quantity): bigint | undefined {
  const whole = quantity.scaled(0)
  const isWhole = quantity.compare(new Quantity(whole, 0, 'DecimalSI')) === 0
  return isWhole && fitsInt64(quantity) ? whole : undefined
}

function asInteger({ quantity }: QuantityValue): number | bigint {
  const integer = integerOf(quantity)
  if (integer === undefined) throw new Failure('cannot convert value to integer')
  return toInt(integer)
}
