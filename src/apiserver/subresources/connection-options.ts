import { typeMeta } from '../../kinds/meta/type-meta.ts'
import type { ApiObject } from '../../schema/kind.ts'
import { bool, type Fields, int32, list, object, optional, string } from '../../schema/types.ts'
import type { BodyKind } from '../admission.ts'
import type { Query } from '../query.ts'

/** What the query of a connection says, as an object that admission can judge. */
export interface ConnectionOptions {
  readonly bodyKind: BodyKind
  read(query: Query): ApiObject
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

const define = (bodyKind: BodyKind, read: (query: Query) => object): ConnectionOptions => ({
  bodyKind,
  read: (query) => ({ kind: bodyKind.kind, apiVersion: bodyKind.version, metadata: {}, ...read(query) }),
})

/** By the sub-resource of pods. */
export const connectionOptions: Readonly<Record<string, ConnectionOptions>> = {
  exec: define(kindOf('PodExecOptions', 'A command to run in a container.', command), (query) => ({
    ...readStreams(query),
    ...(query.has('command') && { command: query.all('command') }),
  })),
  attach: define(kindOf('PodAttachOptions', 'A container to attach to.', streams), readStreams),
  portforward: define(
    kindOf('PodPortForwardOptions', 'Ports to forward.', { ports: optional(1, list(int32), 'The ports.') }),
    readPorts,
  ),
  proxy: define(kindOf('PodProxyOptions', 'A path to ask for.', { path: optional(1, string, 'The path.') }), (query) =>
    query.get('path') ? { path: query.get('path') } : {},
  ),
}
