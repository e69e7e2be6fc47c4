import type { Phase } from '../phase.ts'
import { addon } from './addons.ts'
import { bootstrapToken, kubeconfig, kubeletConfig, uploadConfig } from './configuration.ts'
import { controlPlane } from './control-plane.ts'
import type { UpgradeData } from './data.ts'
import { applyPreflight, nodePreflight } from './preflight.ts'

/** A place for what a version wants done besides; this one wants nothing. */
const postUpgrade: Phase<UpgradeData> = { name: 'post-upgrade', summary: 'Run post upgrade tasks' }

/** The phases of `upgrade apply`, on the first control plane. */
export const applyPhases: readonly Phase<UpgradeData>[] = [
  applyPreflight,
  { ...controlPlane, summary: 'Upgrade the control plane' },
  uploadConfig,
  kubeconfig,
  kubeletConfig,
  bootstrapToken,
  addon,
  postUpgrade,
]

/** The phases of `upgrade node`, on every other host; on workers those of control planes have nothing to do. */
export const nodePhases: readonly Phase<UpgradeData>[] = [
  nodePreflight,
  controlPlane,
  kubeconfig,
  kubeletConfig,
  addon,
  postUpgrade,
]

/** What `upgrade apply` says when all is done. */
export const appliedText = (version: string): readonly string[] => [
  '',
  `[upgrade] SUCCESS! A control plane node of your cluster was upgraded to ${JSON.stringify(version)}.`,
  '',
  '[upgrade] Now please proceed with upgrading the rest of the nodes by following the right order.',
]

/** What `upgrade node` says then. */
export const nodeText =
  '[upgrade] Now you should go ahead and upgrade the kubelet package using your package manager, and restart the kubelet.'
