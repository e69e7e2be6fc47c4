/** Texts of doubles, as Go reads and writes them. */

const form = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

/** Undefined for what is none, and for what is too large. */
export function parseDouble(text: string): number | undefined {
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(text)
  if (special) {
    if (special[2]!.toLowerCase() === 'nan') return special[1] === '' ? Number.NaN : undefined
    return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  }
  if (!form.test(text)) return undefined
  const value = Number(text)
  return Number.isFinite(value) ? value : undefined
}

/** From a million on numbers have an exponent. */
const largestPlainPower = 6

/** Go's shortest form (`%g`): `1.5`, `1e+06`, `1e-05`, `+Inf`. */
export function formatDouble(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const [digits, exponent] = value.toExponential().split('e') as [string, string]
  const power = Number(exponent)
  if (power >= -4 && power < largestPlainPower) return plain(value)
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
}

/** Without an exponent. */
function plain(value: number): string {
  const text = String(value)
  if (!text.includes('e')) return text
  return value.toFixed(20).replace(/0+$/, '')
}

/** With a fixed count of decimals, however large the number. */
export function fixedDouble(value: number, decimals: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  const scaled = exactTimesPower(Math.abs(value), decimals)
  const digits = scaled.toString().padStart(decimals + 1, '0')
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  if (decimals === 0) return sign + digits
  return `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`
}

/** `value × 10^power`, rounded half to even, from the exact binary value. */
function exactTimesPower(value: number, power: number): bigint {
  if (value === 0) return 0n
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const rawExponent = Number((bits >> 52n) & 0x7ffn)
  const mantissa = rawExponent === 0 ? bits & 0xf_ffff_ffff_ffffn : (bits & 0xf_ffff_ffff_ffffn) | (1n << 52n)
  const exponent = (rawExponent === 0 ? 1 : rawExponent) - 1075
  const scaled = mantissa * 10n ** BigInt(power)
  if (exponent >= 0) return scaled << BigInt(exponent)
  const divisor = 1n << BigInt(-exponent)
  const quotient = scaled / divisor
  const twice = (scaled % divisor) * 2n
  return twice > divisor || (twice === divisor && (quotient & 1n) === 1n) ? quotient + 1n : quotient
}
