import type { Clock, Disk, Network } from '../../world/world.ts'
import type { AskReviewer } from '../admission/image-policy-webhook.ts'
import { askWebhook, readWebhookTarget, type WebhookTarget } from '../webhook-client.ts'

const timeoutMs = 30_000

/** Asks reviewers of images; each kubeconfig is read when it is needed first. */
export function reviewerAsker(tools: {
  readonly network: Network
  readonly disk: Disk
  readonly clock: Clock
}): AskReviewer {
  const targets = new Map<string, WebhookTarget>()
  return async (kubeConfigFile, question, firstWaitMs) => {
    let target = targets.get(kubeConfigFile)
    if (!target) {
      target = await readWebhookTarget(kubeConfigFile, (path) => tools.disk.read(path))
      targets.set(kubeConfigFile, target)
    }
    const backoffMs = [1, 1.5, 2.25, 3.375].map((factor) => firstWaitMs * factor)
    return askWebhook(target, question, { ...tools, timeoutMs, backoffMs })
  }
}
