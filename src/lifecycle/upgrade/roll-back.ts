import type { HostWorld } from '../../world/world.ts'
import { LifecycleError } from '../failure.ts'
import { manifestPath } from '../manifests/static-pod.ts'
import { paths } from '../paths.ts'
import type { Replaced } from './component.ts'

/** Puts the manifests back that were there, the last one first. */
export async function putBack(replaced: readonly Replaced[], { disk }: Pick<HostWorld, 'disk'>): Promise<void> {
  for (const { component, before } of replaced.toReversed()) await disk.write(manifestPath(component), before, 0o600)
}

/** What is said then. */
export const rolledBack = (error: Error): LifecycleError =>
  new LifecycleError(
    `couldn't upgrade control plane. kubeadm has tried to recover everything into the earlier state. Errors faced: ${error.message}`,
    {
      hint: `logs are below ${paths.podLogs}; the old manifests are in place, and in ${paths.temporary}; the same command begins anew when that is mended`,
      cause: error,
    },
  )
