import { Secret } from '../kinds/core/secret.ts'
import { again, remove } from '../reconciler/changes.ts'
import { type Controller, defineController } from '../reconciler/controller.ts'
import { expiryOf, isBootstrapToken } from './bootstrap/token.ts'

/** Deletes bootstrap tokens that have expired. */
export const tokenCleaner: Controller = defineController<Secret>({
  name: 'token-cleaner-controller',
  serviceAccount: 'token-cleaner',
  reconciles: Secret,
  wakes: ({ object }) => object !== undefined && isBootstrapToken(object),

  *reconcile(secret, { now }) {
    if (!isBootstrapToken(secret)) return
    const expiry = expiryOf(secret)
    if (expiry <= now) yield remove(Secret, secret)
    else if (Number.isFinite(expiry)) yield again(expiry - now)
  },
})
