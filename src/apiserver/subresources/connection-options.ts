import { typeMeta } from '../../kinds/meta/type-meta.ts'
import type { ApiObject } from '../../schema/kind.ts'
import { bool, type Fields, int32, list, object, optional, string } from '../../schema/types.ts'
import type { BodyKind } from '../admission.ts'
import type { Query } from '../query.ts'
import type { RequestInfo } from '../request-info.ts'

/** What the path and the query of a connection say, as an object that admission can judge. */
export interface ConnectionOptions {
  readonly bodyKind: BodyKind
  read(info: RequestInfo): ApiObject
}

const kindOf = (kind: string, doc: string, fields: Fields): BodyKind => ({
  group: '',
  version: 'v1',
  kind,
  schema: object(`io.k8s.api.core.v1.${kind}`, doc, { ...typeMeta, ...fields }),
})

const streams = {
  stdin: optional(1, bool, 'Whether there is a standard input.'),
  stdout: optional(2, bool, 'Whether the standard output is wanted.'),
  stderr: optional(3, bool, 'Whether the error output is wanted.'),
  tty: optional(4, bool, 'Whether there is a terminal.'),
  container: optional(5, string, 'Name of the container.'),
}

const command = { ...streams, command: optional(6, list(string), 'The command and its arguments.') }

const isSet = (query: Query, name: string, byDefault: boolean): boolean => {
  const value = query.get(name)
  return value === undefined ? byDefault : value !== '0' && value.toLowerCase() !== 'false'
}

/** Outputs are wanted unless the query says otherwise. */
const readStreams = (query: Query) => ({
  ...(isSet(query, 'stdin', false) && { stdin: true }),
  ...(isSet(query, 'stdout', true) && { stdout: true }),
  ...(isSet(query, 'stderr', true) && { stderr: true }),
  ...(isSet(query, 'tty', false) && { tty: true }),
  ...(query.get('container') && { container: query.get('container') }),
})

const readPorts = (query: Query) => {
  const ports = query
    .all('ports')
    .flatMap((text) => text.split(',').map(Number))
    .filter(Number.isInteger)
  return ports.length > 0 ? { ports } : {}
}

const define = (bodyKind: BodyKind, read: (query: Query, info: RequestInfo) => object): ConnectionOptions => ({
  bodyKind,
  read: (info) => ({ kind: bodyKind.kind, apiVersion: bodyKind.version, metadata: {}, ...read(info.query, info) }),
})

/** The path that is asked for behind a proxy, with the slash at its end if it has one; empty: none. */
export function proxyPath({ rest, path }: RequestInfo): string {
  const end = path.endsWith('/') ? '/' : ''
  return rest === '' ? end : `/${rest}${end}`
}

const proxy = (kind: string) =>
  define(kindOf(kind, 'A path to ask for.', { path: optional(1, string, 'The path.') }), (_, info) => {
    const path = proxyPath(info)
    return path === '' ? {} : { path }
  })

/** By plural and sub-resource. */
export const connectionOptions: Readonly<Record<string, ConnectionOptions>> = {
  'pods/exec': define(kindOf('PodExecOptions', 'A command to run in a container.', command), (query) => ({
    ...readStreams(query),
    ...(query.has('command') && { command: query.all('command') }),
  })),
  'pods/attach': define(kindOf('PodAttachOptions', 'A container to attach to.', streams), readStreams),
  'pods/portforward': define(
    kindOf('PodPortForwardOptions', 'Ports to forward.', { ports: optional(1, list(int32), 'The ports.') }),
    readPorts,
  ),
  'pods/proxy': proxy('PodProxyOptions'),
  'services/proxy': proxy('ServiceProxyOptions'),
  'nodes/proxy': proxy('NodeProxyOptions'),
}
