import { account, type BootstrapSubject, events, rule, user } from './bootstrap-policy.ts'

/** A role, and its binding, in one of the system's namespaces. */
export interface NamespacedBootstrapRole {
  readonly namespace: 'kube-system' | 'kube-public'
  readonly name: string
  readonly rules: readonly ReturnType<typeof rule>[]
  readonly binding: { readonly name: string; readonly subjects: readonly BootstrapSubject[] }
}

const systemAccount = (name: string) => account('kube-system', name)

/** A role whose binding has its name. */
const bound = (
  namespace: NamespacedBootstrapRole['namespace'],
  name: string,
  rules: NamespacedBootstrapRole['rules'],
  subjects: readonly BootstrapSubject[],
): NamespacedBootstrapRole => ({ namespace, name, rules, binding: { name, subjects } })

const leaderLocking = rule('create get list update watch', 'coordination.k8s.io', 'leases')

/** Roles of the parts of the control plane that need something in a system namespace alone. */
export const namespacedBootstrapRoles: readonly NamespacedBootstrapRole[] = [
  {
    namespace: 'kube-system',
    name: 'extension-apiserver-authentication-reader',
    rules: [rule('get list watch', 'core', 'configmaps', 'extension-apiserver-authentication')],
    binding: {
      name: 'system::extension-apiserver-authentication-reader',
      subjects: [user('system:kube-controller-manager'), user('system:kube-scheduler')],
    },
  },
  bound(
    'kube-system',
    'system:controller:bootstrap-signer',
    [rule('get list watch', 'core', 'secrets')],
    [systemAccount('bootstrap-signer')],
  ),
  bound(
    'kube-system',
    'system:controller:cloud-provider',
    [rule('create get list watch', 'core', 'configmaps')],
    [systemAccount('cloud-provider')],
  ),
  bound(
    'kube-system',
    'system:controller:token-cleaner',
    [rule('delete get list watch', 'core', 'secrets'), events],
    [systemAccount('token-cleaner')],
  ),
  bound(
    'kube-system',
    'system::leader-locking-kube-controller-manager',
    [leaderLocking],
    [
      user('system:kube-controller-manager'),
      systemAccount('kube-controller-manager'),
      systemAccount('leader-election-controller'),
    ],
  ),
  bound(
    'kube-system',
    'system::leader-locking-kube-scheduler',
    [leaderLocking],
    [user('system:kube-scheduler'), systemAccount('kube-scheduler')],
  ),
  bound(
    'kube-public',
    'system:controller:bootstrap-signer',
    [rule('get list watch', 'core', 'configmaps'), rule('update', 'core', 'configmaps', 'cluster-info'), events],
    [systemAccount('bootstrap-signer')],
  ),
]
