import type { Secret } from '../../kinds/core/secret.ts'
import { isNotFound } from '../../schema/status.ts'
import type { Clock, Log } from '../../world/world.ts'
import { serverContext } from '../context.ts'
import type { Resource } from '../resource.ts'

const label = 'kubernetes.io/legacy-token-last-used'
const dayMs = 24 * 3_600_000

/**
 * Writes on secrets the day on which somebody last used the token in them (KEP-2799): the controller that clears away tokens
 * that nobody uses goes by it. `secrets` is asked once there is something to write.
 */
export function secretTokenUse(secrets: () => Resource<Secret>, world: { readonly clock: Clock; readonly log: Log }) {
  return (used: Secret): void => {
    const now = world.clock.now()
    // Tomorrow: another server's clock is ahead.
    const isNoted = ({ metadata }: Secret) => [dayOf(now), dayOf(now + dayMs)].includes(metadata.labels?.[label] ?? '')
    if (isNoted(used)) return
    const note = (secret: Secret | undefined): Secret => {
      const { metadata } = secret!
      if (metadata.uid !== used.metadata.uid || isNoted(secret!)) return secret!
      return { ...secret!, metadata: { ...metadata, labels: { ...metadata.labels, [label]: dayOf(now) } } }
    }
    const { namespace = '', name = '' } = used.metadata
    secrets()
      .update(namespace, name, '', note, serverContext)
      .catch((error: unknown) => {
        if (isNotFound(error)) return
        const secret = `${namespace}/${name}`
        world.log('warn', 'the use of a token could not be noted on its secret', { secret, error: String(error) })
      })
  }
}

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
