/**
 * The value that a record itself has under a key from outside. Every object also inherits some (`constructor`,
 * `toString`), which a plain look-up would find.
 */
export function own<T>(record: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined
}
