import type { Pod } from '../../kinds/core/pod.ts'
import type { Mutable } from '../../schema/types.ts'
import type { Clock } from '../../world/world.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../admission.ts'
import { ConfigurationError, type Fields } from './configuration.ts'
import { isWrite } from './is.ts'
import { containersOf } from './pod-containers.ts'
import { refuse } from './refuse.ts'

/** Asks the reviewer that a kubeconfig file names. Throws when it cannot be asked. */
export type AskReviewer = (kubeConfigFile: string, question: object, firstWaitMs: number) => Promise<object>

interface Verdict {
  readonly allowed: boolean
  readonly reason: string
}

const apiVersion = 'imagepolicy.k8s.io/v1alpha1'
const cacheSize = 1024

/**
 * Asks somebody whether the images of a pod may be run (`ImagePolicyWebhook`), and remembers the answer for a while. When
 * he cannot be asked, `defaultAllow` decides; a pod that came in so is marked.
 */
export function imagePolicyWebhook(
  configuration: Fields | undefined,
  ask: AskReviewer | undefined,
  clock: Clock,
): AdmissionPlugin {
  const settings = settingsOf(configuration)
  const verdicts = new Map<string, Verdict & { readonly untilMs: number }>()

  async function verdictOn(attributes: AdmissionAttributes): Promise<Verdict> {
    const spec = reviewSpec(attributes)
    const key = JSON.stringify(spec)
    const known = verdicts.get(key)
    if (known && known.untilMs > clock.monotonic()) return known
    if (!ask) throw new Error('this server has no network')
    const question = { kind: 'ImageReview', apiVersion, metadata: {}, spec, status: { allowed: false } }
    const answer = (await ask(settings.kubeConfigFile, question, settings.retryBackoffMs)) as {
      readonly status?: { readonly allowed?: boolean; readonly reason?: string }
    }
    const verdict = { allowed: answer.status?.allowed === true, reason: answer.status?.reason ?? '' }
    const forMs = verdict.allowed ? settings.allowForMs : settings.denyForMs
    if (verdicts.size >= cacheSize) verdicts.delete(verdicts.keys().next().value!)
    if (forMs > 0) verdicts.set(key, { ...verdict, untilMs: clock.monotonic() + forMs })
    return verdict
  }

  return {
    name: 'ImagePolicyWebhook',
    handles: (attributes) => {
      const { kind, subresource } = attributes
      const isPod = kind.plural === 'pods' && kind.group === ''
      return isPod && isWrite(attributes) && (subresource === '' || subresource === 'ephemeralcontainers')
    },
    async validate(attributes) {
      let verdict: Verdict
      try {
        verdict = await verdictOn(attributes)
      } catch (error) {
        if (settings.defaultAllow) return
        throw refuse(attributes, (error as Error).message)
      }
      if (verdict.allowed) return
      const why =
        verdict.reason === ''
          ? 'one or more images rejected by webhook backend'
          : `image policy webhook backend denied one or more images: ${verdict.reason}`
      throw refuse(attributes, why)
    },
  }
}

function reviewSpec({ object, namespace, subresource }: AdmissionAttributes): object {
  const { metadata, spec } = object as Mutable<Pod>
  const isOfNewOnes = (path: string) => subresource === '' || path.startsWith('spec.ephemeralContainers')
  const containers = [...containersOf(spec)]
    .filter(({ path }) => isOfNewOnes(path))
    .map(({ container }) => ({ image: container.image }))
  const meant = Object.entries(metadata.annotations ?? {}).filter(([key]) => key.includes('.image-policy.k8s.io/'))
  return { containers, ...(meant.length > 0 && { annotations: Object.fromEntries(meant) }), namespace }
}

interface Settings {
  readonly kubeConfigFile: string
  readonly allowForMs: number
  readonly denyForMs: number
  readonly retryBackoffMs: number
  readonly defaultAllow: boolean
}

/** Times in seconds (the back-off in milliseconds); 0 means the usual, a negative one switches off. */
function settingsOf(configuration: Fields | undefined): Settings {
  const fields = (configuration?.['imagePolicy'] ?? configuration ?? {}) as Fields
  const kubeConfigFile = fields['kubeConfigFile']
  if (typeof kubeConfigFile !== 'string' || kubeConfigFile === '') {
    throw new ConfigurationError('no config specified for ImagePolicyWebhook: kubeConfigFile is missing')
  }
  const time = (name: string, unitMs: number, usual: number, least: number, most: number) => {
    const value = Number(fields[name] ?? 0)
    if (value === 0) return usual
    if (value < 0) return 0
    const ms = value * unitMs
    if (ms < least || ms > most)
      throw new ConfigurationError(`valid value is between ${least}ms and ${most}ms, got ${ms}ms`)
    return ms
  }
  const [second, minute] = [1000, 60_000]
  return {
    kubeConfigFile,
    allowForMs: time('allowTTL', second, 5 * minute, second, 30 * minute),
    denyForMs: time('denyTTL', second, 30 * second, second, 30 * minute),
    retryBackoffMs: time('retryBackoff', 1, 500, 1, 5 * minute),
    defaultAllow: fields['defaultAllow'] === true,
  }
}
