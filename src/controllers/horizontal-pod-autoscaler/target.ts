import type { Client } from '../../client/client.ts'
import type { CrossVersionObjectReference } from '../../kinds/autoscaling/horizontal-pod-autoscaler.ts'
import type { Scale } from '../../kinds/autoscaling/scale.ts'
import type { Kind } from '../../schema/kind.ts'
import { isConflict } from '../../schema/status.ts'

/** What is scaled, as its `scale` sub-resource shows it. */
export interface Target {
  readonly kind: Kind
  readonly scale: Scale
}

/** The versions of a kind that are served, whichever the reference names. */
export function kindsNamed({ apiVersion = '', kind }: CrossVersionObjectReference, kinds: readonly Kind[]): Kind[] {
  const group = groupOf(apiVersion)
  return kinds.filter((each) => each.group === group && each.kind === kind)
}

const groupOf = (apiVersion: string) => (apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '')

/** Why a reference leads to no kind, in the reference's words; undefined when it does. */
export function referenceFault(reference: CrossVersionObjectReference, kinds: readonly Kind[]): string | undefined {
  const { apiVersion = '', kind } = reference
  if (apiVersion.split('/').length > 2) return `unexpected GroupVersion string: ${apiVersion}`
  if (kindsNamed(reference, kinds).length > 0) return undefined
  return `no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(groupOf(apiVersion))}`
}

/** Reads the scale by the first version that has it. Throws what the first one said when none does. */
export async function readTarget(
  client: Client,
  namespace: string,
  reference: CrossVersionObjectReference,
  kinds: readonly Kind[],
): Promise<Target> {
  let first: unknown
  for (const kind of kindsNamed(reference, kinds)) {
    try {
      return { kind, scale: await client.scale(kind, { namespace, name: reference.name }) }
    } catch (error) {
      first ??= error
    }
  }
  throw first
}

/** As often as the reference tries again when somebody else was faster. */
const tries = 5

/** Sets the number of replicas, whatever else changes on the target meanwhile. */
export async function rescale(client: Client, { kind, scale }: Target, replicas: number): Promise<void> {
  let current = scale
  for (let attempt = 1; ; attempt++) {
    try {
      return void (await client.updateScale(kind, { ...current, spec: { replicas } }))
    } catch (error) {
      if (!isConflict(error) || attempt === tries) throw error
    }
    current = await client.scale(kind, { namespace: current.metadata.namespace, name: current.metadata.name ?? '' })
  }
}
