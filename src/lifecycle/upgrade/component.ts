import { isDeepStrictEqual } from 'node:util'
import { parse } from 'yaml'
import { parseDuration } from '../../base/duration.ts'
import type { Client } from '../../client/client.ts'
import { Pod } from '../../kinds/core/pod.ts'
import { ApiError, isNotFound } from '../../schema/status.ts'
import type { HostWorld } from '../../world/world.ts'
import { LifecycleError } from '../failure.ts'
import { isWell } from '../init/health.ts'
import { insist, isPassing } from '../init/patient.ts'
import type { ControlPlaneComponentName } from '../manifests/control-plane.ts'
import { manifestPath } from '../manifests/static-pod.ts'
import { renewFor } from './certificates.ts'
import type { UpgradeData } from './data.ts'
import { type Manifest, readinessUrl } from './host.ts'

/** The replacement of one static pod by another, until the kubelet has done it. */
export type Component = ControlPlaneComponentName | 'etcd'

/** What lies where while an upgrade is under way. */
export interface UpgradeFolders {
  /** New manifests, before they are put in place. */
  readonly upgraded: string
  readonly manifests: string
  readonly etcd: string
}

/** What was in place of a manifest that was replaced. */
export interface Replaced {
  readonly component: Component
  readonly before: string
}

const namespace = 'kube-system'
const hashAnnotation = 'kubernetes.io/config.hash'
const pauseMs = 200
/** Who does not take a flag, or cannot read a file, says so within this time. */
const enduranceMs = 3_000

/**
 * Puts the manifest that lies ready in place, and waits until what it describes runs. It is noted in `replaced` as soon as
 * it is to be put back when something goes wrong. One that says what is there already is left alone.
 * @throws LifecycleError when it does not run in time
 */
export async function upgradeComponent(
  component: Component,
  folders: UpgradeFolders,
  replaced: Replaced[],
  data: UpgradeData,
): Promise<void> {
  const { print, world, options, timeouts } = data
  const { disk } = world
  print(`[upgrade/staticpods] Preparing for ${JSON.stringify(component)} upgrade`)
  const path = manifestPath(component)
  const [before, after] = [await disk.read(path), await disk.read(manifestPath(component, folders.upgraded))]
  if (before === undefined || after === undefined) throw new LifecycleError(`there is no manifest ${path}`)
  const manifest = parse(after) as Manifest
  if (isSame(before, after)) {
    print(`[upgrade/staticpods] Current and new manifests of ${component} are equal, skipping upgrade`)
    // Whoever was interrupted may have put it there a moment ago.
    return untilReady(component, manifest, data)
  }
  if (options.certificateRenewal) await renewFor(component, data)
  const old = await hashOf(component, data)
  const backup = manifestPath(component, folders.manifests)
  print(
    `[upgrade/staticpods] Moving new manifest to ${JSON.stringify(path)} and backing up old manifest to ${JSON.stringify(backup)}`,
  )
  await disk.write(backup, before, 0o600)
  replaced.push({ component, before })
  await disk.rename(manifestPath(component, folders.upgraded), path)
  print('[upgrade/staticpods] Waiting for the kubelet to restart the component')
  print(`[upgrade/staticpods] This can take up to ${timeouts.upgradeManifests}`)
  await untilAnother(component, old, data)
  await untilReady(component, manifest, data)
  print(`[upgrade/staticpods] Component ${JSON.stringify(component)} upgraded successfully!`)
}

/** Whether two manifests describe the same pod: comments and the order of keys do not count. */
export function isSame(before: string, after: string): boolean {
  try {
    return isDeepStrictEqual(parse(before), parse(after))
  } catch {
    return false
  }
}

/** The digest of what runs now; a kubelet that has just begun anew may not have shown it yet. */
async function hashOf(component: Component, data: UpgradeData): Promise<string | undefined> {
  const nodeName = await data.nodeName()
  const client = await data.client()
  const get = () => client.get(Pod, { namespace, name: `${component}-${nodeName}` })
  const pod = await insist(get, (error) => isNotFound(error) || isPassing(error), data.patience).catch(
    (error: Error) => {
      throw new LifecycleError(
        `failed to obtain static Pod hash for component ${component} on Node ${nodeName}: ${error.message}`,
        { hint: 'see whether the kubelet of this host runs; this component was not changed', cause: error },
      )
    },
  )
  return pod.metadata.annotations?.[hashAnnotation]
}

/** Nothing when the API does not answer, or does not show it: it may be about to. */
async function findPod(client: Client, name: string): Promise<Pod | undefined> {
  try {
    return await client.get(Pod, { namespace, name })
  } catch (error) {
    if (error instanceof ApiError) return undefined
    throw error
  }
}

/** Until the kubelet shows another pod: what is asked before then is answered by the old one. */
async function untilAnother(component: Component, old: string | undefined, data: UpgradeData): Promise<void> {
  const nodeName = await data.nodeName()
  const client = await data.client()
  const isAnother = async () => {
    const hash = (await findPod(client, `${component}-${nodeName}`))?.metadata.annotations?.[hashAnnotation]
    return hash !== undefined && hash !== old
  }
  const { upgradeManifests } = data.timeouts
  if (await comesTrue(isAnother, data)) return
  throw new LifecycleError(
    `static Pod hash for component ${component} on Node ${nodeName} did not change after ${upgradeManifests}: timed out waiting for the condition`,
  )
}

/** Until the pod says itself that it is ready; one that serves nothing has to have run for a while. */
async function untilReady(component: Component, manifest: Manifest, data: UpgradeData): Promise<void> {
  const nodeName = await data.nodeName()
  const client = await data.client()
  const url = readinessUrl(manifest)
  const endures = enduring(data.world)
  const isReady = async () => {
    const pod = await findPod(client, `${component}-${nodeName}`)
    if (pod?.status?.phase !== 'Running') return false
    return url === undefined ? endures(pod) : isWell(data.world, url)
  }
  if (!(await comesTrue(isReady, data)))
    throw new LifecycleError(
      `component ${component} on Node ${nodeName} is not ready${url === undefined ? '' : ` at ${url}`} after ${data.timeouts.upgradeManifests}: timed out waiting for the condition`,
    )
  const { items } = await data.ask((api) => api.list(Pod, { namespace, labelSelector: `component=${component}` }))
  data.print(`[apiclient] Found ${items.length} Pods for label selector component=${component}`)
}

/** Tells, look by look, whether a pod's container has run for a while: one that ends over and over has not. */
function enduring({ clock }: Pick<HostWorld, 'clock'>): (pod: Pod) => boolean {
  let attempt: string | undefined
  let since = 0
  return ({ status }) => {
    const container = status?.containerStatuses?.[0]
    const running = container?.state?.running ? container.containerID : undefined
    if (running !== attempt) since = clock.monotonic()
    attempt = running
    return running !== undefined && clock.monotonic() - since >= enduranceMs
  }
}

async function comesTrue(look: () => Promise<boolean>, { world, timeouts }: UpgradeData): Promise<boolean> {
  const giveUpAt = world.clock.monotonic() + parseDuration(timeouts.upgradeManifests)
  while (!(await look())) {
    if (world.clock.monotonic() > giveUpAt) return false
    await world.clock.after(pauseMs)
  }
  return true
}
