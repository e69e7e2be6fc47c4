import type { Toleration } from '../../kinds/core/scheduling.ts'
import { equalJson } from '../../schema/freeze.ts'

/** Whether everything that one toleration bears the other bears too. */
export function covers(wider: Toleration, narrower: Toleration): boolean {
  if (equalJson(wider, narrower)) return true
  // Without a key, all; without an effect, all of them.
  if (wider.key && wider.key !== narrower.key) return false
  if (wider.effect && wider.effect !== narrower.effect) return false
  if (wider.effect === 'NoExecute' && wider.tolerationSeconds !== undefined) {
    if (narrower.tolerationSeconds === undefined || narrower.tolerationSeconds > wider.tolerationSeconds) return false
  }
  if (wider.operator === 'Exists') return true
  return (narrower.operator ?? 'Equal') === 'Equal' && (wider.value ?? '') === (narrower.value ?? '')
}

/** All of both, without those that another one covers. */
export function mergeTolerations(first: readonly Toleration[], second: readonly Toleration[]): Toleration[] {
  const all = [...first, ...second]
  const merged: Toleration[] = []
  all.forEach((toleration, index) => {
    const isKnown = merged.some((other) => covers(other, toleration))
    const comesWider = all.slice(index + 1).some((other) => !equalJson(other, toleration) && covers(other, toleration))
    if (!isKnown && !comesWider) merged.push(toleration)
  })
  return merged
}

/** Puts a toleration in the place of the one for the same taint, or at the end. */
export function addOrReplace(tolerations: readonly Toleration[], added: Toleration): Toleration[] {
  const isSame = (other: Toleration) =>
    (other.key ?? '') === (added.key ?? '') &&
    (other.effect ?? '') === (added.effect ?? '') &&
    (other.operator ?? '') === (added.operator ?? '') &&
    (other.value ?? '') === (added.value ?? '')
  const at = tolerations.findIndex(isSame)
  return at < 0 ? [...tolerations, added] : tolerations.with(at, added)
}
