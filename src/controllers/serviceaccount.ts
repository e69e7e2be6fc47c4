import { Namespace } from '../kinds/core/namespace.ts'
import { ServiceAccount } from '../kinds/core/service-account.ts'
import { create } from '../reconciler/changes.ts'
import { type Controller, defineController, watch } from '../reconciler/controller.ts'
import { ifWelcome } from './shared/if-welcome.ts'

/** Gives every namespace the service account that pods use unless they name another. */
export const serviceAccountController: Controller = defineController<Namespace>({
  name: 'serviceaccount-controller',
  serviceAccount: 'service-account-controller',
  reconciles: Namespace,
  writes: [ServiceAccount],
  watches: [
    watch(ServiceAccount, ({ object, old }) =>
      object === undefined && old?.metadata.name === 'default' ? [{ name: old.metadata.namespace! }] : [],
    ),
  ],

  *reconcile({ metadata, status }, { get }) {
    const namespace = metadata.name!
    if (status.phase === 'Terminating') return
    if (get(ServiceAccount, { namespace, name: 'default' }) !== undefined) return
    yield* ifWelcome(create(ServiceAccount, { metadata: { name: 'default', namespace } }))
  },
})
