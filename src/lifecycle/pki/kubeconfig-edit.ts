import { type Document, isMap, isSeq, parseDocument, type YAMLMap } from 'yaml'
import { LifecycleError } from '../failure.ts'
import type { KeyPair } from '../pki.ts'

/** Changes to what the current context of a kubeconfig names; everything else in it stays as it is. */
export interface KubeconfigChange {
  readonly server?: string
  /** PEM. */
  readonly certificateAuthority?: string
  readonly credential?: KeyPair
}

/** @throws LifecycleError when it names no such cluster or user */
export function changeKubeconfig(text: string, path: string, change: KubeconfigChange): string {
  const document = parseDocument(text)
  const context = named(document, 'contexts', document.get('current-context'))?.get('context')
  if (document.errors.length > 0 || !isMap(context)) throw unusable(path)
  if (change.certificateAuthority !== undefined || change.server !== undefined) {
    const cluster = named(document, 'clusters', context.get('cluster'))?.get('cluster')
    if (!isMap(cluster)) throw unusable(path)
    if (change.server !== undefined) cluster.set('server', change.server)
    if (change.certificateAuthority !== undefined) {
      cluster.delete('certificate-authority')
      cluster.set('certificate-authority-data', base64(change.certificateAuthority))
    }
  }
  if (change.credential !== undefined) {
    const user = named(document, 'users', context.get('user'))?.get('user')
    if (!isMap(user)) throw unusable(path)
    for (const key of ['client-certificate', 'client-key']) user.delete(key)
    user.set('client-certificate-data', base64(change.credential.certificate))
    user.set('client-key-data', base64(change.credential.key))
  }
  return document.toString({ lineWidth: 0 })
}

function named(document: Document, list: string, name: unknown): YAMLMap | undefined {
  const items = document.get(list)
  if (!isSeq(items)) return undefined
  return items.items.find((item): item is YAMLMap => isMap(item) && item.get('name') === name)
}

const unusable = (path: string) =>
  new LifecycleError(`${path} names no cluster and user in its current context`, {
    hint: `it may be half written: move ${path} away, and make it anew with "coracle init phase kubeconfig"`,
  })

const base64 = (text: string) => Buffer.from(text).toString('base64')
