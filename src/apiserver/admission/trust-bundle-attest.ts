import type { ApiObject } from '../../schema/kind.ts'
import type { AdmissionPlugin } from '../admission.ts'
import type { Authorizer } from '../authz/authz.ts'
import { isFor, isWrite } from './is.ts'
import { refuse } from './refuse.ts'
import { isAllowedForSigner } from './signer-access.ts'

type Bundle = ApiObject & { readonly spec?: { readonly signerName?: string } }

/** Who says which authorities belong to a signer must be allowed to `attest` for it (`ClusterTrustBundleAttest`). */
export function trustBundleAttest(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'ClusterTrustBundleAttest',
    handles: (attributes) => isFor(attributes, 'clustertrustbundles', 'certificates.k8s.io') && isWrite(attributes),
    async validate(attributes) {
      const { signerName = '' } = (attributes.object as Bundle).spec ?? {}
      if (signerName === '') return
      if (await isAllowedForSigner(authorizer, attributes.context.user, 'attest', signerName)) return
      throw refuse(attributes, `user not permitted to attest for signerName ${JSON.stringify(signerName)}`)
    },
  }
}
