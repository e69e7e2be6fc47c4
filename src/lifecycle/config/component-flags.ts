import type { FieldErrors } from '../../schema/field-errors.ts'
import type { Argument, ClusterConfiguration, NodeRegistration } from './types.ts'

/**
 * Further arguments of components are looked at before anything begins: a component refuses a flag that it does not
 * know, and would do so over and over. kubeadm passes them on unseen.
 */
export type KnownFlags = Readonly<Record<ComponentName, ReadonlySet<string>>>

type ComponentName = 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler' | 'kubelet'

export function clusterArguments(cluster: ClusterConfiguration, known: KnownFlags, errors: FieldErrors): void {
  const { apiServer, controllerManager, scheduler } = cluster
  check('kube-apiserver', apiServer.extraArgs, 'apiServer.extraArgs', known, errors)
  check('kube-controller-manager', controllerManager.extraArgs, 'controllerManager.extraArgs', known, errors)
  check('kube-scheduler', scheduler.extraArgs, 'scheduler.extraArgs', known, errors)
}

export function nodeArguments(node: NodeRegistration, known: KnownFlags, errors: FieldErrors): void {
  check('kubelet', node.kubeletExtraArgs, 'nodeRegistration.kubeletExtraArgs', known, errors)
}

function check(
  component: ComponentName,
  given: readonly Argument[] = [],
  path: string,
  known: KnownFlags,
  errors: FieldErrors,
): void {
  for (const { name } of given) {
    const flag = name.replaceAll('_', '-')
    if (name === '' || known[component].has(flag)) continue
    const instead = Object.hasOwn(gone, flag) ? gone[flag] : `"coracle ${component} --help" lists those that it has`
    errors.invalid(path, name, `${component} has no such flag: ${instead}`)
  }
}

const noPlainPort = 'it was removed, nothing is served without TLS any more; leave it out'
const oneLog = 'it was removed, logs go to standard error and from there below /var/log/pods; leave it out'
const byTolerations =
  'it was removed, tolerations say how long pods stay: ' +
  '--default-not-ready-toleration-seconds and --default-unreachable-toleration-seconds of kube-apiserver'

/** Flags of files of old that were taken out of the reference as well, and what is there instead. */
const gone: Readonly<Record<string, string>> = {
  'insecure-port': noPlainPort,
  'insecure-bind-address': noPlainPort,
  'basic-auth-file': 'it was removed, users come with certificates or tokens (--token-auth-file)',
  'pod-eviction-timeout': byTolerations,
  'enable-taint-manager': 'it was removed, taints always count; leave it out',
  ...Object.fromEntries(
    ['alsologtostderr', 'logtostderr', 'log-dir', 'log-file', 'log-file-max-size', 'one-output', 'stderrthreshold'].map(
      (name) => [name, oneLog],
    ),
  ),
}
