import type { JsonObject } from './openapi.ts'

/** The parameters that operations name, in words of their own for both versions of OpenAPI. */

interface Parameter {
  readonly name?: string
  readonly in: 'path' | 'query'
  readonly type: 'boolean' | 'integer' | 'string'
  readonly doc: string
}

const query = (type: Parameter['type'], doc: string): Parameter => ({ in: 'query', type, doc })

const parameters: Readonly<Record<string, Parameter>> = {
  name: { in: 'path', type: 'string', doc: 'Name of the object.' },
  namespace: { in: 'path', type: 'string', doc: 'Namespace of the object.' },
  path: { in: 'path', type: 'string', doc: 'Path that is asked for behind the proxy.' },
  proxyPath: { name: 'path', ...query('string', 'Path that is asked for behind the proxy.') },
  allowWatchBookmarks: query(
    'boolean',
    'Whether a watch may send bookmarks: events that bring nothing but a resource version.',
  ),
  command: query('string', 'The command and its arguments, one parameter each.'),
  container: query('string', 'The container; may be left out when the pod has only one.'),
  continue: query('string', 'The continue token of the part of the list that came before.'),
  dryRun: query('string', 'All: do everything but store the result.'),
  fieldManager: query('string', 'Who makes this change; managed fields carry the name.'),
  fieldSelector: query('string', 'Only objects of which these fields have these values.'),
  fieldValidation: query(
    'string',
    'What becomes of unknown and repeated fields: Ignore, Warn (the default) or Strict.',
  ),
  follow: query('boolean', 'Whether to go on with what is yet to be written.'),
  force: query('boolean', 'Whether apply takes fields away from other managers.'),
  gracePeriodSeconds: query('integer', 'Seconds that the object has to end; 0 is at once.'),
  ignoreStoreReadErrorWithClusterBreakingPotential: query(
    'boolean',
    'Whether to delete an object that can no longer be read. Its finalizers and dependents are passed over.',
  ),
  insecureSkipTLSVerifyBackend: query('boolean', 'Whether to believe the kubelet without a look at its certificate.'),
  labelSelector: query('string', 'Only objects that have these labels.'),
  limit: query('integer', 'The most objects to answer with; the answer has a continue token when there are more.'),
  limitBytes: query('integer', 'The most bytes of the log.'),
  orphanDependents: query('boolean', 'Old form of propagationPolicy: whether dependents stay.'),
  ports: query('integer', 'The ports to forward.'),
  pretty: query('string', 'Whether the answer is indented.'),
  previous: query('boolean', 'The log of the container that ran before this one.'),
  propagationPolicy: query('string', 'What becomes of dependents: Orphan, Background or Foreground.'),
  resourceVersion: query('string', 'How new the answer must be, or where a watch starts.'),
  resourceVersionMatch: query(
    'string',
    'Whether the answer may be newer than the resource version: NotOlderThan or Exact.',
  ),
  sendInitialEvents: query(
    'boolean',
    'Whether a watch starts with all objects that are there, and a bookmark behind them.',
  ),
  sinceSeconds: query('integer', 'Only the log of so many last seconds.'),
  stderr: query('boolean', 'Whether to pass on what is written to standard error.'),
  stdin: query('boolean', 'Whether to pass on what the client writes.'),
  stdout: query('boolean', 'Whether to pass on what is written to standard output.'),
  stream: query('string', 'All, Stdout or Stderr.'),
  tailLines: query('integer', 'Only so many last lines of the log.'),
  timeoutSeconds: query('integer', 'Seconds after which a list or watch ends.'),
  timestamps: query('boolean', 'Whether each line of the log begins with its time.'),
  tty: query('boolean', 'Whether to attach a terminal.'),
  watch: query('boolean', 'Whether to go on with changes.'),
}

function lookUp(key: string): Parameter {
  const parameter = parameters[key]
  if (!parameter) throw new Error(`there is no parameter ${key}`)
  return parameter
}

export function parameterV2(key: string): JsonObject {
  const { name = key, in: where, type, doc } = lookUp(key)
  return { uniqueItems: true, type, description: doc, name, in: where, ...(where === 'path' && { required: true }) }
}

export function parameterV3(key: string): JsonObject {
  const { name = key, in: where, type, doc } = lookUp(key)
  return {
    name,
    in: where,
    description: doc,
    ...(where === 'path' && { required: true }),
    schema: { type, uniqueItems: true },
  }
}

/** The parameters of a version 2 document, which operations refer to. */
export function sharedParameters(): Record<string, JsonObject> {
  return Object.fromEntries(Object.keys(parameters).map((key) => [key, parameterV2(key)]))
}
