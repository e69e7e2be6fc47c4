import type { Container } from '../../kinds/core/containers.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { ServiceAccount } from '../../kinds/core/service-account.ts'
import type { Volume } from '../../kinds/core/volumes.ts'
import { forbidden } from '../../schema/status.ts'
import type { Mutable } from '../../schema/types.ts'
import type { Random } from '../../world/world.ts'
import type { AdmissionAttributes, AdmissionPlugin, ClusterReader } from '../admission.ts'
import { podSecrets } from '../authz/object-references.ts'
import { generateName } from '../storage/metadata.ts'
import { refuse as refuseAttributes } from './refuse.ts'

const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount'
const mirrorAnnotation = 'kubernetes.io/config.mirror'
const enforceAnnotation = 'kubernetes.io/enforce-mountable-secrets'

/** Gives every pod a service account, its pull secrets, and a volume with a token for the API. */
export function serviceAccount(reader: ClusterReader, random: Random): AdmissionPlugin {
  return {
    name: 'ServiceAccount',
    completes: true,
    handles: ({ kind, operation, subresource }) => {
      if (kind.plural !== 'pods' || kind.group !== '') return false
      return operation === 'CREATE'
        ? subresource === ''
        : operation === 'UPDATE' && subresource === 'ephemeralcontainers'
    },
    validate(attributes) {
      const pod = attributes.object as Mutable<Pod>
      if (attributes.operation === 'UPDATE') return checkEphemeral(attributes, reader)
      const offence = isMirror(pod) ? mirrorOffence(pod) : undefined
      if (offence) throw refuseAttributes(attributes, offence)
    },
    admit({ object, namespace, name, operation }) {
      if (operation !== 'CREATE') return
      const pod = object as Mutable<Pod>
      // The mirror of a static pod runs without the API.
      if (isMirror(pod)) return
      const refuse = (why: string) => forbidden({ group: '', resource: 'pods' }, pod.metadata.name ?? name, why)
      const { spec } = pod
      spec.serviceAccountName ||= 'default'
      spec.serviceAccount = spec.serviceAccountName
      const account = reader.get(ServiceAccount, namespace, spec.serviceAccountName)
      if (!account) {
        const { serviceAccountName } = spec
        throw refuse(
          `error looking up service account ${namespace}/${serviceAccountName}: serviceaccount "${serviceAccountName}" not found`,
        )
      }
      const offence =
        account.metadata.annotations?.[enforceAnnotation] === 'true' ? foreignSecret(pod, account) : undefined
      if (offence) throw refuse(offence)
      if (wantsToken(pod, account)) mountToken(pod, random)
      if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length)
        spec.imagePullSecrets = account.imagePullSecrets.map((secret) => ({ ...secret }))
    },
  }
}

const isMirror = ({ metadata }: Mutable<Pod>) => metadata.annotations?.[mirrorAnnotation] !== undefined

/** What a mirror may not have, if it has it: its node runs it without the API, and could open things to itself by it. */
function mirrorOffence({ spec }: Mutable<Pod>): string | undefined {
  if (spec.serviceAccountName) return 'a mirror pod may not reference service accounts'
  if (podSecrets(spec as Pod['spec']).length > 0) return 'a mirror pod may not reference secrets'
  const hasToken = spec.volumes?.some(({ projected }) => projected?.sources?.some((each) => each.serviceAccountToken))
  return hasToken ? 'a mirror pod may not use ServiceAccountToken volume projections' : undefined
}

/** Containers that are added later are held to the same secrets. */
function checkEphemeral(attributes: AdmissionAttributes, reader: ClusterReader): void {
  const { spec } = attributes.object as Pod
  const account = reader.get(ServiceAccount, attributes.namespace, spec.serviceAccountName ?? '')
  if (account?.metadata.annotations?.[enforceAnnotation] !== 'true') return
  const known = new Set((account.secrets ?? []).map((secret) => secret.name))
  for (const container of spec.ephemeralContainers ?? []) {
    const offence = foreignEnvironment(container as Pick<Container, 'env' | 'envFrom'>, known)
    if (!offence) continue
    const owner = `is not allowed because service account ${account.metadata.name} does not reference that secret`
    throw refuseAttributes(attributes, `ephemeral container ${container.name} with ${offence} ${owner}`)
  }
}

const wantsToken = (pod: Mutable<Pod>, account: ServiceAccount) =>
  pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true

function mountToken({ spec }: Mutable<Pod>, random: Random): void {
  // Not validated yet: there may be none.
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])]
  const lacking = containers.filter(
    (container) => !container.volumeMounts?.some((mount) => mount.mountPath === mountPath),
  )
  if (lacking.length === 0) return
  const existing = spec.volumes?.find((volume) => volume.name.startsWith('kube-api-access-'))
  const name = existing?.name ?? generateName('kube-api-access-', random)
  for (const container of lacking)
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath }]
  if (!existing) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)]
}

/** The token itself is asked for by the node (KEP-1205); it lives a little over an hour and is renewed there. */
function tokenVolume(name: string): Mutable<Volume> {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
      defaultMode: 0o644,
    },
  }
}

/** Says which secret of the pod its account does not list, if any. */
function foreignSecret({ spec }: Mutable<Pod>, account: ServiceAccount): string | undefined {
  const known = new Set((account.secrets ?? []).map((secret) => secret.name))
  const owner = `is not allowed because service account ${account.metadata.name} does not reference that`
  for (const { secret } of spec.volumes ?? []) {
    if (secret && !known.has(secret.secretName ?? ''))
      return `volume with secret.secretName="${secret.secretName}" ${owner} secret`
  }
  for (const [kind, containers] of [
    ['init container', spec.initContainers],
    ['container', spec.containers],
  ] as const) {
    for (const container of containers ?? []) {
      const offence = foreignEnvironment(container, known)
      if (offence) return `${kind} ${container.name} with ${offence} ${owner} secret`
    }
  }
  const pullable = new Set((account.imagePullSecrets ?? []).map((secret) => secret.name))
  const at = (spec.imagePullSecrets ?? []).findIndex((secret) => !pullable.has(secret.name))
  return at < 0
    ? undefined
    : `imagePullSecrets[${at}].name="${spec.imagePullSecrets![at]!.name}" ${owner} imagePullSecret`
}

function foreignEnvironment(
  container: Pick<Container, 'env' | 'envFrom'>,
  known: ReadonlySet<string | undefined>,
): string | undefined {
  for (const { name, valueFrom } of container.env ?? []) {
    const secret = valueFrom?.secretKeyRef?.name
    if (secret !== undefined && !known.has(secret)) return `envVar ${name} referencing secret.secretName="${secret}"`
  }
  for (const { secretRef } of container.envFrom ?? []) {
    if (secretRef && !known.has(secretRef.name)) return `envFrom referencing secret.secretName="${secretRef.name}"`
  }
  return undefined
}
