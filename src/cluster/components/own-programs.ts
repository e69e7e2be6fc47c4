import type { HostWorld } from '../../world/world.ts'

const names: ReadonlySet<string> = new Set([
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
  'kubelet',
])

/** What runs for a program of manifests that is a form of this one; nothing for any other. */
export const ownPrograms =
  ({ exec }: Pick<HostWorld, 'exec'>) =>
  (name: string): readonly string[] | undefined =>
    names.has(name) ? [...exec.self, name] : undefined
