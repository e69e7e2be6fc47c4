/** Tables and sizes as etcdctl prints them. */

/** Heads in the middle, cells to the right, lines of dashes around. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const cells = rows.map((row) => row.map(wrapped))
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...cells.flatMap((row) => row[column]!.map((line) => line.length))),
  )
  const rule = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`
  const line = (texts: readonly string[]) => `| ${texts.join(' | ')} |`
  return [
    rule,
    line(heads.map((head, column) => centred(head, widths[column]!))),
    rule,
    ...cells.flatMap((row) => {
      const height = Math.max(...row.map((lines) => lines.length))
      return Array.from({ length: height }, (_, index) =>
        line(row.map((lines, column) => (lines[index] ?? '').padStart(widths[column]!))),
      )
    }),
    rule,
  ]
}

const wrapAt = 30

/** A cell goes on in the next line where it gets longer than thirty characters, between words only. */
function wrapped(text: string): string[] {
  const words = text.split(' ')
  const limit = Math.max(wrapAt, ...words.map((word) => word.length))
  const lines: string[] = []
  for (const word of words) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= limit) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  // A cell that was wrapped is as wide as it may get.
  return lines.length === 1 ? lines : lines.map((line) => line.padStart(limit))
}

function centred(text: string, width: number): string {
  const left = Math.floor((width - text.length) / 2)
  return ' '.repeat(left) + text.padEnd(width - left)
}

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB']

/** `29 kB`, `4.2 MB`: thousands, and one digit behind the point below ten. */
export function sizeText(bytes: number): string {
  if (bytes < 10) return `${bytes} B`
  const exponent = Math.floor(Math.log10(bytes) / 3 + 1e-12)
  const value = Math.floor((bytes / 1000 ** exponent) * 10 + 0.5) / 10
  return `${value < 10 ? value.toFixed(1) : halfToEven(value)} ${units[exponent]}`
}

/** Go rounds a half to the even number when it prints: `20 kB` for 20.5 and `22 kB` for 21.5. */
function halfToEven(value: number): number {
  const below = Math.floor(value)
  return value - below === 0.5 ? below + (below % 2) : Math.round(value)
}

/** JSON as Go writes it, with numbers of 64 bits in full. */
export function jsonText(value: unknown): string {
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${jsonText(member)}`).join(',')}}`
}
