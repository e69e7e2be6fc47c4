import type { Authorizer } from '../authz/authz.ts'
import type { UserInfo } from '../context.ts'

/** Whether somebody may do that for a signer: for the signer itself, or for all signers of its domain. */
export async function isAllowedForSigner(
  authorizer: Authorizer,
  user: UserInfo,
  verb: string,
  signerName: string,
): Promise<boolean> {
  for (const name of [signerName, `${signerName.split('/')[0]}/*`]) {
    const signer = { apiGroup: 'certificates.k8s.io', apiVersion: '*', resource: 'signers', name }
    const asked = { ...signer, user, verb, namespace: '', subresource: '', isResource: true, path: '' }
    if ((await authorizer.authorize(asked)).allowed) return true
  }
  return false
}
