import { apiVersionOf, type Kind, type Subresource, type Verb } from './kind.ts'
import type { GroupVersionKind, JsonObject } from './openapi.ts'

/**
 * Every path of the API with its operations, as OpenAPI describes them, in a form that is neither version 2 nor 3 yet.
 * Names of operations are the reference's: generated clients are made of them.
 */

/** What a kind must say to be described. A kind made of a CustomResourceDefinition brings its schema as JSON. */
export interface OpenApiKind
  extends Pick<Kind, 'group' | 'version' | 'kind' | 'plural' | 'namespaced' | 'verbs' | 'schema' | 'subresources'> {
  readonly status: object | undefined
  readonly scale: object | undefined
  readonly jsonSchema?: JsonObject
}

export type Method = 'delete' | 'get' | 'head' | 'options' | 'patch' | 'post' | 'put'

export interface OpenApiPath {
  readonly path: string
  /** Names of parameters that all operations share. */
  readonly parameters: readonly string[]
  readonly operations: Readonly<Partial<Record<Method, Operation>>>
}

export interface Operation {
  readonly id: string
  readonly description: string
  readonly tag: string
  readonly action?: string
  readonly gvk?: GroupVersionKind
  readonly parameters: readonly string[]
  readonly body?: { readonly type: string; readonly required: boolean }
  /** The type that each successful status code answers with; `string` is plain text. */
  readonly responses: Readonly<Record<string, string>>
  readonly consumes: readonly string[]
  readonly produces: readonly string[]
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.'
export const patchType = `${meta}Patch`
const statusType = `${meta}Status`

const json = ['application/json', 'application/yaml']
const objectMedia = [...json, 'application/vnd.kubernetes.protobuf', 'application/cbor']
const listMedia = [
  ...json,
  'application/vnd.kubernetes.protobuf',
  'application/cbor',
  'application/json;stream=watch',
  'application/vnd.kubernetes.protobuf;stream=watch',
  'application/cbor-seq',
]
const customPatches = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/apply-patch+yaml',
  'application/apply-patch+cbor',
]
const patches = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
  'application/apply-patch+cbor',
]

const listParameters = [
  'allowWatchBookmarks',
  'continue',
  'fieldSelector',
  'labelSelector',
  'limit',
  'resourceVersion',
  'resourceVersionMatch',
  'sendInitialEvents',
  'timeoutSeconds',
  'watch',
]
const deleteParameters = [
  'dryRun',
  'gracePeriodSeconds',
  'ignoreStoreReadErrorWithClusterBreakingPotential',
  'orphanDependents',
  'propagationPolicy',
]
const writeParameters = ['dryRun', 'fieldManager', 'fieldValidation']

/** Kinds of which a delete answers with the object instead of a status. */
const answersDeleted: ReadonlySet<string> = new Set([
  'CSIDriver',
  'CSINode',
  'DeviceClass',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'Pod',
  'PodTemplate',
  'ResourceClaim',
  'ResourceClaimTemplate',
  'ResourceQuota',
  'ResourceSlice',
  'Service',
  'ServiceAccount',
  'StorageClass',
  'VolumeAttachment',
  'VolumeAttributesClass',
])

/** All paths of a kind, its sub-resources included. */
export function pathsOfKind(kind: OpenApiKind): OpenApiPath[] {
  const description = new KindDescription(kind)
  return [...description.collection(), ...description.item(), ...description.subresources(), ...description.watches()]
}

/** `rbac.authorization.k8s.io` is `rbacAuthorization` in tags, and `RbacAuthorization` in names of operations. */
export function groupWords(group: string): string {
  const [first, ...others] = (group === '' ? 'core' : group.replace(/\.k8s\.io$/, '')).split(/[.-]/)
  return first + others.map(capitalized).join('')
}

const capitalized = (word: string) => word.charAt(0).toUpperCase() + word.slice(1)

export const groupVersionPath = ({ group, version }: { readonly group: string; readonly version: string }) =>
  group === '' ? `/api/${version}` : `/apis/${group}/${version}`

class KindDescription {
  readonly #kind: OpenApiKind
  readonly #base: string
  readonly #groupVersion: string
  readonly #scope: string
  readonly #gvk: GroupVersionKind

  constructor(kind: OpenApiKind) {
    this.#kind = kind
    this.#base = groupVersionPath(kind)
    this.#groupVersion = capitalized(groupWords(kind.group)) + capitalized(kind.version)
    this.#scope = kind.namespaced ? 'Namespaced' : ''
    this.#gvk = { group: kind.group, kind: kind.kind, version: kind.version }
  }

  collection(): OpenApiPath[] {
    const operations = {
      ...(this.#has('deletecollection') && { delete: this.#deleteCollection() }),
      ...(this.#has('list') && { get: this.#list(`${this.#scope}${this.#kind.kind}`, listParameters) }),
      ...(this.#has('create') && { post: this.#create() }),
    }
    if (Object.keys(operations).length === 0) return []
    const paths = [{ path: this.#collectionPath(), parameters: this.#scopeParameters(), operations }]
    if (!this.#kind.namespaced || !this.#has('list')) return paths
    const everywhere = { get: this.#list(`${this.#kind.kind}ForAllNamespaces`, []) }
    return [
      ...paths,
      { path: `${this.#base}/${this.#kind.plural}`, parameters: [...listParameters, 'pretty'], operations: everywhere },
    ]
  }

  item(): OpenApiPath[] {
    const operations = {
      ...(this.#has('delete') && { delete: this.#delete() }),
      ...this.#readAndWrite(this.#kind.verbs, '', this.#kind.schema.name, this.#gvk),
    }
    if (Object.keys(operations).length === 0) return []
    return [{ path: this.#itemPath(), parameters: ['name', ...this.#scopeParameters()], operations }]
  }

  subresources(): OpenApiPath[] {
    const { status, scale, subresources, kind, group, version } = this.#kind
    const listed: Subresource[] = [...subresources]
    const verbs: Verb[] = ['get', 'patch', 'update']
    if (status && !listed.some(({ name }) => name === 'status'))
      listed.push({ name: 'status', kind, group, version, verbs })
    if (scale && !listed.some(({ name }) => name === 'scale')) {
      listed.push({ name: 'scale', kind: 'Scale', group: 'autoscaling', version: 'v1', verbs })
    }
    return listed.flatMap((subresource) => this.#subresource(subresource))
  }

  watches(): OpenApiPath[] {
    if (!this.#has('watch')) return []
    const { kind, plural, namespaced } = this.#kind
    const watchBase = `${this.#base}/watch`
    const list = this.#watch(`${this.#scope}${kind}List`, 'watchlist', 'individual changes to a list of')
    const item = this.#watch(`${this.#scope}${kind}`, 'watch', 'changes to an object of kind')
    const everywhere = this.#watch(`${kind}ListForAllNamespaces`, 'watchlist', 'individual changes to a list of')
    const parameters = [...listParameters, 'pretty']
    const scope = namespaced ? ['namespace'] : []
    const scoped = this.#collectionPath().replace(this.#base, watchBase)
    return [
      { path: scoped, parameters: [...scope, ...parameters], operations: { get: list } },
      { path: `${scoped}/{name}`, parameters: ['name', ...scope, ...parameters], operations: { get: item } },
      ...(namespaced ? [{ path: `${watchBase}/${plural}`, parameters, operations: { get: everywhere } }] : []),
    ]
  }

  #has(verb: Verb): boolean {
    return this.#kind.verbs.includes(verb)
  }

  #scopeParameters(): string[] {
    return this.#kind.namespaced ? ['namespace', 'pretty'] : ['pretty']
  }

  #collectionPath(): string {
    const scope = this.#kind.namespaced ? '/namespaces/{namespace}' : ''
    return `${this.#base}${scope}/${this.#kind.plural}`
  }

  #itemPath(): string {
    return `${this.#collectionPath()}/{name}`
  }

  #operation(verb: string, name: string, action: string, description: string, gvk = this.#gvk) {
    const { group, version } = this.#kind
    return {
      id: `${verb}${this.#groupVersion}${name}`,
      description,
      tag: `${groupWords(group)}_${version}`,
      action,
      gvk,
      parameters: [] as readonly string[],
      consumes: ['*/*'],
      produces: this.#kind.jsonSchema ? json : objectMedia,
    }
  }

  #list(name: string, parameters: readonly string[]): Operation {
    return {
      ...this.#operation('list', name, 'list', `list or watch objects of kind ${this.#kind.kind}`),
      parameters,
      responses: { 200: `${this.#kind.schema.name}List` },
      produces: this.#kind.jsonSchema ? json : listMedia,
    }
  }

  #watch(name: string, action: string, what: string): Operation {
    const instead =
      action === 'watch'
        ? "use the 'watch' parameter with a list operation instead, filtered to a single item with the 'fieldSelector' parameter."
        : "use the 'watch' parameter with a list operation instead."
    return {
      ...this.#operation('watch', name, action, `watch ${what} ${this.#kind.kind}. deprecated: ${instead}`),
      responses: { 200: `${meta}WatchEvent` },
      produces: this.#kind.jsonSchema ? json : listMedia,
    }
  }

  #create(): Operation {
    const type = this.#kind.schema.name
    return {
      ...this.#operation('create', `${this.#scope}${this.#kind.kind}`, 'post', `create ${article(this.#kind.kind)}`),
      parameters: writeParameters,
      body: { type, required: true },
      responses: { 200: type, 201: type, 202: type },
    }
  }

  #delete(): Operation {
    const type = answersDeleted.has(this.#kind.kind) ? this.#kind.schema.name : statusType
    return {
      ...this.#operation('delete', `${this.#scope}${this.#kind.kind}`, 'delete', `delete ${article(this.#kind.kind)}`),
      parameters: deleteParameters,
      body: { type: `${meta}DeleteOptions`, required: false },
      responses: { 200: type, 202: type },
    }
  }

  #deleteCollection(): Operation {
    const name = `Collection${this.#scope}${this.#kind.kind}`
    const selection = listParameters.filter((parameter) => parameter !== 'allowWatchBookmarks' && parameter !== 'watch')
    return {
      ...this.#operation('delete', name, 'deletecollection', `delete collection of ${this.#kind.kind}`),
      parameters: [...selection, ...deleteParameters].sort(),
      body: { type: `${meta}DeleteOptions`, required: false },
      responses: { 200: statusType },
    }
  }

  /** What an object and those of its parts that are objects themselves have in common. */
  #readAndWrite(
    verbs: readonly Verb[],
    part: string,
    type: string,
    gvk: GroupVersionKind,
  ): Partial<Record<Method, Operation>> {
    const name = `${this.#scope}${this.#kind.kind}${capitalized(part)}`
    const what = part === '' ? `the specified ${this.#kind.kind}` : `${part} of the specified ${this.#kind.kind}`
    const patched = { 200: type, 201: type }
    const operation = (verb: string, action: string, words: string) =>
      this.#operation(verb, name, action, `${words} ${what}`, gvk)
    return {
      ...(verbs.includes('get') && {
        get: { ...operation('read', 'get', 'read'), responses: { 200: type } },
      }),
      ...(verbs.includes('patch') && {
        patch: {
          ...operation('patch', 'patch', 'partially update'),
          parameters: [...writeParameters, 'force'],
          body: { type: patchType, required: true },
          responses: patched,
          consumes: this.#kind.jsonSchema ? customPatches : patches,
        },
      }),
      ...(verbs.includes('update') && {
        put: {
          ...operation('replace', 'put', 'replace'),
          parameters: writeParameters,
          body: { type, required: true },
          responses: patched,
        },
      }),
    }
  }

  #subresource(subresource: Subresource): OpenApiPath[] {
    const { name, kind, verbs } = subresource
    const gvk = {
      group: subresource.group ?? this.#kind.group,
      kind,
      version: subresource.version ?? this.#kind.version,
    }
    const path = `${this.#itemPath()}/${name}`
    const parameters = ['name', ...this.#scopeParameters()]
    if (kind.endsWith('Options')) return this.#connections(subresource, gvk, path)
    if (name === 'log')
      return [{ path, parameters: [...parameters, ...logParameters], operations: { get: this.#log() } }]
    const type = kind === this.#kind.kind ? this.#kind.schema.name : typeNameOf(gvk)
    const post = verbs.includes('create') && { post: this.#createPart(name, type, gvk) }
    const operations = { ...this.#readAndWrite(verbs, name, type, gvk), ...post }
    return [{ path, parameters, operations }]
  }

  #createPart(part: string, type: string, gvk: GroupVersionKind): Operation {
    const { kind } = this.#kind
    return {
      ...this.#operation(
        'create',
        `${this.#scope}${kind}${capitalized(part)}`,
        'post',
        `create ${part} of ${article(kind)}`,
        gvk,
      ),
      parameters: writeParameters,
      body: { type, required: true },
      responses: { 200: type, 201: type, 202: type },
    }
  }

  #log(): Operation {
    const { kind } = this.#kind
    return {
      ...this.#operation('read', `${this.#scope}${kind}Log`, 'get', `read log of the specified ${kind}`),
      responses: { 200: 'string' },
      produces: ['text/plain', ...objectMedia],
    }
  }

  /** Streams and proxies, which pass through whatever comes. */
  #connections({ name, verbs }: Subresource, gvk: GroupVersionKind, path: string): OpenApiPath[] {
    const isProxy = name === 'proxy'
    const methods = isProxy ? proxyMethods : verbs.map((verb) => (verb === 'create' ? 'post' : 'get') as Method)
    const parameters = ['name', ...(this.#kind.namespaced ? ['namespace'] : [])]
    const connect = (suffix: string) =>
      Object.fromEntries(
        methods.map((method) => [method, this.#connect(method, `${capitalized(name)}${suffix}`, name, gvk)]),
      )
    const paths = [
      { path, parameters: [...parameters, ...(connectionParameters[name] ?? [])], operations: connect('') },
    ]
    if (!isProxy) return paths
    return [
      ...paths,
      { path: `${path}/{path}`, parameters: [...parameters, 'path', 'proxyPath'], operations: connect('WithPath') },
    ]
  }

  #connect(method: Method, suffix: string, part: string, gvk: GroupVersionKind): Operation {
    const { kind } = this.#kind
    const words = `connect ${method.toUpperCase()} requests to ${part} of ${kind}`
    const operation = this.#operation('connect', `${this.#scope}${kind}${suffix}`, 'connect', words, gvk)
    return {
      ...operation,
      id: operation.id.replace(`connect${this.#groupVersion}`, `connect${this.#groupVersion}${capitalized(method)}`),
      responses: { 200: 'string' },
      produces: ['*/*'],
    }
  }
}

const proxyMethods: readonly Method[] = ['delete', 'get', 'head', 'options', 'patch', 'post', 'put']

const logParameters = [
  'container',
  'follow',
  'insecureSkipTLSVerifyBackend',
  'limitBytes',
  'previous',
  'sinceSeconds',
  'stream',
  'tailLines',
  'timestamps',
]

const streamParameters = ['container', 'stderr', 'stdin', 'stdout', 'tty']

const connectionParameters: Readonly<Record<string, readonly string[]>> = {
  attach: streamParameters,
  exec: ['command', ...streamParameters],
  portforward: ['ports'],
  proxy: ['proxyPath'],
}

const article = (kind: string) => (/^[AEIOU]/.test(kind) ? `an ${kind}` : `a ${kind}`)

/** The published name of a type of the built-in groups. */
export function typeNameOf({ group, kind, version }: GroupVersionKind): string {
  return `io.k8s.api.${group === '' ? 'core' : group.split('.')[0]}.${version}.${kind}`
}

/** The paths that tell what a group version, a group, or the server has. */
export function discoveryPath(
  path: string,
  words: { id: string; description: string; tag: string; type: string },
): OpenApiPath {
  const { id, description, tag, type } = words
  return {
    path,
    parameters: [],
    operations: {
      get: {
        id,
        description,
        tag,
        parameters: [],
        responses: { 200: type },
        consumes: ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf', 'application/cbor'],
        produces: objectMedia,
      },
    },
  }
}

/** The list of a group version's resources: `/apis/apps/v1/`. */
export function resourcesPath(groupVersion: { readonly group: string; readonly version: string }): OpenApiPath {
  const words = groupWords(groupVersion.group)
  return discoveryPath(`${groupVersionPath(groupVersion)}/`, {
    id: `get${capitalized(words)}${capitalized(groupVersion.version)}APIResources`,
    description: `get available resources of ${apiVersionOf(groupVersion)}`,
    tag: `${words}_${groupVersion.version}`,
    type: `${meta}APIResourceList`,
  })
}

/** What there is to know of a group: `/apis/apps/`. */
export function groupPath(group: string): OpenApiPath {
  const words = groupWords(group)
  return discoveryPath(group === '' ? '/api/' : `/apis/${group}/`, {
    id: group === '' ? 'getCoreAPIVersions' : `get${capitalized(words)}APIGroup`,
    description: group === '' ? 'get available API versions' : 'get information of a group',
    tag: words,
    type: group === '' ? `${meta}APIVersions` : `${meta}APIGroup`,
  })
}
