import { type Document, isMap, isSeq, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml'

/**
 * Kubeconfig files: cluster, user and context under one name, put into a file that may hold others. What is there
 * already stays as it is, comments included.
 */
export interface KubeconfigEntry {
  /** Names the cluster, the user and the context. */
  readonly name: string
  /** URL of the API server. */
  readonly server: string
  /** PEM of the authority that signed the server's certificate. */
  readonly certificateAuthority: string
  /** PEM; secret. */
  readonly clientCertificate: string
  readonly clientKey: string
}

/** A file that is no kubeconfig; nothing was changed. */
export class KubeconfigError extends Error {}

/**
 * The text of a kubeconfig with the entry put in, or brought up to date. The entry becomes the current context.
 * Throws `KubeconfigError` when `text` is not a kubeconfig.
 */
export function putIntoKubeconfig(text: string | undefined, entry: KubeconfigEntry): string {
  const document = parse(text)
  putNamed(document, 'clusters', entry.name, 'cluster', {
    'certificate-authority-data': base64(entry.certificateAuthority),
    server: entry.server,
  })
  putNamed(document, 'contexts', entry.name, 'context', { cluster: entry.name, user: entry.name })
  putNamed(document, 'users', entry.name, 'user', {
    'client-certificate-data': base64(entry.clientCertificate),
    'client-key-data': base64(entry.clientKey),
  })
  document.set('current-context', entry.name)
  return document.toString({ lineWidth: 0 })
}

/** Throws `KubeconfigError` when nothing can be put into `text`. */
export function requireKubeconfig(text: string | undefined): void {
  // To parse what stands for none takes a hundredth of a start.
  if (text !== undefined) parse(text)
}

/** The text without the entries of that name; a current context of that name is emptied. */
export function removeFromKubeconfig(text: string, name: string): string {
  const document = parse(text)
  for (const section of ['clusters', 'contexts', 'users']) {
    const list = document.get(section)
    if (isSeq(list)) list.items = list.items.filter((item) => !(isMap(item) && item.get('name') === name))
  }
  if (document.get('current-context') === name) document.set('current-context', '')
  return document.toString({ lineWidth: 0 })
}

const base64 = (pem: string) => Buffer.from(pem).toString('base64')

const empty =
  'apiVersion: v1\nkind: Config\npreferences: {}\nclusters: []\ncontexts: []\ncurrent-context: ""\nusers: []\n'

function parse(text: string | undefined): Document {
  const document = parseDocument(text?.trim() ? text : empty)
  const fault = document.errors[0]
  if (fault) throw new KubeconfigError(fault.message.split('\n')[0])
  // Comments alone are an empty file.
  if (document.contents === null) document.contents = parseDocument(empty).contents
  if (!isMap(document.contents)) throw new KubeconfigError('it holds no mapping of clusters, contexts and users')
  const kind = document.get('kind')
  if (kind !== undefined && kind !== 'Config') throw new KubeconfigError(`its kind is ${kind}, not Config`)
  for (const section of ['clusters', 'contexts', 'users']) {
    const list = document.get(section)
    if (list !== undefined && list !== null && !isSeq(list)) throw new KubeconfigError(`its ${section} are no list`)
  }
  return document
}

function putNamed(document: Document, section: string, name: string, key: string, value: object): void {
  if (!isSeq(document.get(section))) document.set(section, document.createNode([]))
  const list = document.get(section) as YAMLSeq
  list.flow = false
  const existing = list.items.find((item): item is YAMLMap => isMap(item) && item.get('name') === name)
  if (existing) existing.set(key, document.createNode(value))
  else list.add(document.createNode({ [key]: value, name }))
}
