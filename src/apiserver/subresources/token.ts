import { secondsTime } from '../../base/seconds-time.ts'
import { TokenRequest } from '../../kinds/authentication/token-request.ts'
import { Node } from '../../kinds/core/node.ts'
import { Pod } from '../../kinds/core/pod.ts'
import { Secret } from '../../kinds/core/secret.ts'
import { ServiceAccount } from '../../kinds/core/service-account.ts'
import { FieldErrors } from '../../schema/field-errors.ts'
import type { ApiObject } from '../../schema/kind.ts'
import { badRequest, conflict, isNotFound } from '../../schema/status.ts'
import type { ClusterReader } from '../admission.ts'
import type { BoundObjects, IssuedToken, TokenSubject } from '../authn/service-account-tokens.ts'
import type { SubresourceRoute } from '../routes/objects.ts'
import { managersOfNew } from '../storage/managers.ts'
import { poster } from './poster.ts'
import type { Resources, SubresourceCreator } from './resources.ts'

/** Who signs tokens: `authn/service-account-tokens.ts`. */
export interface TokenIssuer {
  readonly issuer: string
  issue(subject: TokenSubject, audiences: readonly string[], lifetimeSeconds: number): IssuedToken
}

/** What a token request is called in bodies and messages. */
export const tokenRequestType = {
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenRequest',
  schema: TokenRequest,
} as const

const usualSeconds = 3600
const leastSeconds = 10 * 60
const mostSeconds = 2 ** 32

/** Gives tokens for a service account (KEP-1205). */
export function createToken(tokens: TokenIssuer): SubresourceCreator {
  return async (resources, namespace, name, body, context) => {
    const request = body as TokenRequest
    checkName(request, name)
    const account = (await resources.resource(ServiceAccount).get(namespace, name)).object
    const { expirationSeconds = usualSeconds, boundObjectRef } = request.spec
    checkLifetime(expirationSeconds)
    const bound = boundObjectRef && (await boundObject(resources, namespace, name, boundObjectRef))
    const audiences = request.spec.audiences?.length ? request.spec.audiences : [tokens.issuer]
    const subject = { namespace, name, uid: account.metadata.uid ?? '', ...bound }
    const { token, expiresAtMs } = tokens.issue(subject, audiences, expirationSeconds)
    const now = secondsTime(resources.world.clock.now())
    const asked = { ...request, spec: { ...request.spec, expirationSeconds } } as unknown as ApiObject
    const write = { manager: context.fieldManager, now, subresource: 'token' }
    return {
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: {
        name,
        namespace,
        uid: subject.uid,
        creationTimestamp: now,
        managedFields: managersOfNew(tokenRequestType, asked, write),
      },
      spec: { audiences, expirationSeconds, boundObjectRef: boundObjectRef ?? null },
      status: { token, expirationTimestamp: secondsTime(expiresAtMs) },
    }
  }
}

/** The same over HTTP. Nothing is stored, so a dry run is no different. */
export const tokenRoute = (resources: Resources, tokens: TokenIssuer): SubresourceRoute =>
  poster(resources, tokenRequestType, createToken(tokens))

/** Looks up for the verifier what tokens are bound to. `noteUse` is told of a secret whose token somebody has come with. */
export function boundObjects(reader: ClusterReader, noteUse: (secret: Secret) => void): BoundObjects {
  const kinds = { ServiceAccount, Pod, Secret, Node }
  return {
    secretToken(namespace, name) {
      const secret = reader.get(Secret, namespace, name)
      if (secret?.type !== 'kubernetes.io/service-account-token') return undefined
      const { metadata, data } = secret
      if (metadata.deletionTimestamp !== undefined) return undefined
      return {
        token: Buffer.from(data?.['token'] ?? '', 'base64').toString('utf8'),
        isMarkedInvalid: metadata.labels?.['kubernetes.io/legacy-token-invalid-since'] !== undefined,
        noteUse: () => noteUse(secret),
      }
    },
    uidOf: (kind, namespace, name) =>
      reader.get<ApiObject>(kinds[kind], kind === 'Node' ? '' : namespace, name)?.metadata.uid,
  }
}

function checkName({ metadata }: TokenRequest, name: string): void {
  const given = metadata.name ?? ''
  if (given === '' || given === name) return
  const errors = new FieldErrors()
  errors.invalid('metadata.name', given, 'must match the service account name if specified')
  throw errors.toError(tokenRequestType, name)
}

function checkLifetime(seconds: number): void {
  const errors = new FieldErrors()
  const path = 'spec.expirationSeconds'
  if (seconds < leastSeconds) errors.invalid(path, seconds, 'may not specify a duration less than 10 minutes')
  if (seconds > mostSeconds) errors.invalid(path, seconds, 'may not specify a duration larger than 2^32 seconds')
  if (errors.length > 0) throw errors.toError(tokenRequestType, '')
}

type Reference = NonNullable<TokenRequest['spec']['boundObjectRef']>

async function boundObject(
  resources: Resources,
  namespace: string,
  account: string,
  { apiVersion = '', kind = '', name = '', uid = '' }: Reference,
): Promise<Pick<TokenSubject, 'bound' | 'node'>> {
  const found = await find()
  if (uid !== '' && uid !== found.metadata.uid) {
    throw conflict(
      { group: '', resource: kind },
      name,
      `the UID in the bound object reference (${uid}) does not match the UID in record. ` +
        'The object might have been deleted and then recreated',
    )
  }
  const node = kind === 'Pod' ? await nodeOf(resources, found as Pod) : undefined
  const bound = { kind: kind as 'Pod' | 'Secret' | 'Node', name, uid: found.metadata.uid ?? '' }
  return { bound, ...(node && { node }) }

  async function find(): Promise<ApiObject> {
    switch (apiVersion === 'v1' ? kind : '') {
      case 'Pod': {
        const pod = (await resources.resource(Pod).get(namespace, name)).object
        if (pod.spec.serviceAccountName === account) return pod
        throw badRequest(
          `cannot bind token for serviceaccount "${account}" to pod running with different serviceaccount name.`,
        )
      }
      case 'Secret':
        return (await resources.resource(Secret).get(namespace, name)).object
      case 'Node':
        return (await resources.resource(Node).get('', name)).object
      default:
        throw badRequest(`cannot bind token to object of type ${groupVersion(apiVersion)}, Kind=${kind}`)
    }
  }
}

/** Where a pod runs, as far as that is known. */
async function nodeOf(resources: Resources, { spec }: Pod): Promise<TokenSubject['node']> {
  const name = spec.nodeName ?? ''
  if (name === '') return undefined
  try {
    const { uid } = (await resources.resource(Node).get('', name)).object.metadata
    return { name, ...(uid && { uid }) }
  } catch (error) {
    if (isNotFound(error)) return { name }
    throw error
  }
}

/** As Go prints it: the core group has an empty name. */
const groupVersion = (apiVersion: string): string => (apiVersion.includes('/') ? apiVersion : `/${apiVersion}`)
