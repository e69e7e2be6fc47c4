import { createInterface } from 'node:readline'

/** Asks whoever sits at the terminal, and resolves to the line that was typed; to nothing when there is none to come. */
export async function ask(question: string): Promise<string | undefined> {
  process.stdout.write(question)
  const lines = createInterface({ input: process.stdin })
  try {
    for await (const line of lines) return line
    return undefined
  } finally {
    lines.close()
    process.stdin.unref()
  }
}
