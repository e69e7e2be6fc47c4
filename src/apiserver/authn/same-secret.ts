import { timingSafeEqual } from 'node:crypto'

/** Whether two secrets are the same; takes the same time wherever they differ. */
export function isSameSecret(left: string, right: string): boolean {
  const [one, other] = [Buffer.from(left), Buffer.from(right)]
  return one.length === other.length && timingSafeEqual(one, other)
}
