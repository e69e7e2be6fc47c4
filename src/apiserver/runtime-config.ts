import type { Kind } from '../schema/kind.ts'
import type { Catalogue } from './catalogue.ts'
import { pairsOf, parseBool, wrong } from './feature-gates.ts'

/** Versions that v1.36 knows and does not serve unless asked: this server does not have them. */
const absent: ReadonlySet<string> = new Set([
  'admissionregistration.k8s.io/v1alpha1',
  'admissionregistration.k8s.io/v1beta1',
  'authentication.k8s.io/v1alpha1',
  'authentication.k8s.io/v1beta1',
  'certificates.k8s.io/v1alpha1',
  'certificates.k8s.io/v1beta1',
  'coordination.k8s.io/v1alpha2',
  'coordination.k8s.io/v1beta1',
  'events.k8s.io/v1beta1',
  'internal.apiserver.k8s.io/v1alpha1',
  'networking.k8s.io/v1beta1',
  'rbac.authorization.k8s.io/v1alpha1',
  'rbac.authorization.k8s.io/v1beta1',
  'resource.k8s.io/v1alpha3',
  'resource.k8s.io/v1beta1',
  'resource.k8s.io/v1beta2',
  'scheduling.k8s.io/v1alpha2',
  'scheduling.k8s.io/v1beta1',
  'storage.k8s.io/v1alpha1',
  'storage.k8s.io/v1beta1',
  'storagemigration.k8s.io/v1beta1',
])

/** Whether a kind that is built in is served. */
export type IsServed = (kind: Pick<Kind, 'group' | 'version' | 'plural'>) => boolean

const flag = '--runtime-config'
const stages: Readonly<Record<string, RegExp>> = {
  'api/all': /^v\d+/,
  'api/ga': /^v\d+$/,
  'api/beta': /^v\d+beta\d+$/,
  'api/alpha': /^v\d+alpha\d+$/,
}

/**
 * Reads the value of `--runtime-config` (`api/all=false,api/v1=true,batch/v1=false`): what is said of a resource counts
 * more than what is said of its version, and that more than what is said of a stage.
 * @throws SettingError for what is unknown, or not there to be switched on
 */
export function readRuntimeConfig(text: string, kinds: readonly Kind[]): IsServed {
  const wishes = new Map<string, boolean>()
  const pairs = pairsOf(flag, text)
  for (const [key, value] of pairs) {
    const wish = value === '' ? true : parseBool(value)
    if (wish === undefined) throw wrong(flag, text, `invalid value ${key}=${value}: it must be true or false`)
    const name = key === 'v1' || key.startsWith('v1/') ? `api/${key}` : key
    const fault = faultOf(name, wish, kinds)
    if (fault !== undefined) throw wrong(flag, text, fault)
    wishes.set(name, wish)
  }
  if (wishes.size === 1 && wishes.get('api/all') === false)
    throw wrong(flag, text, 'invalid key with only api/all=false')
  return ({ group, version, plural }) => {
    const own = nameOf(group, version)
    const stage = ['api/alpha', 'api/beta', 'api/ga'].find((name) => stages[name]!.test(version))
    const said = [`${own}/${plural}`, own, stage ?? '', 'api/all'].map((name) => wishes.get(name))
    return said.find((wish) => wish !== undefined) ?? true
  }
}

const nameOf = (group: string, version: string) => `${group === '' ? 'api' : group}/${version}`

function faultOf(name: string, wish: boolean, kinds: readonly Kind[]): string | undefined {
  if (name === 'api/alpha' || name === 'api/beta') {
    const stage = name.slice('api/'.length)
    return wish ? `this server has no ${stage} APIs: what v1.36 serves by default is stable` : undefined
  }
  if (stages[name] !== undefined) return undefined
  const [group = '', version = '', resource, ...rest] = name.split('/')
  const groupVersion = `${group}/${version}`
  if (version === '' || rest.length > 0) return `runtime-config invalid key ${name}`
  if (absent.has(groupVersion)) {
    return wish ? `${groupVersion} is not served by default in v1.36, and this server does not have it` : undefined
  }
  const members = kinds.filter((kind) => nameOf(kind.group, kind.version) === groupVersion)
  if (members.length === 0) {
    const isGroup = kinds.some((kind) => (kind.group || 'api') === group)
    return isGroup ? `group version ${groupVersion} that has not been registered` : `unknown api groups ${group}`
  }
  const isThere = resource === undefined || members.some(({ plural }) => plural === resource)
  return isThere ? undefined : `${groupVersion} has no resource ${resource}`
}

/** The catalogue without what is not served. What is custom or answered by others is not concerned. */
export function servedCatalogue(catalogue: Catalogue, isServed: IsServed): Catalogue {
  let of: readonly Kind[] = []
  let kinds: readonly Kind[] = []
  return {
    get kinds() {
      if (of !== catalogue.kinds) {
        of = catalogue.kinds
        kinds = of.filter((kind) => kind.isCustom === true || isServed(kind))
      }
      return kinds
    },
    resource: (kind) => catalogue.resource(kind),
    isCustom: (kind) => catalogue.isCustom?.(kind) ?? false,
  }
}
