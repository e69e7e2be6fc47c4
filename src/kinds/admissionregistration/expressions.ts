/** What expressions of policies and of match conditions may read, and what they must give. */

import {
  authorizerType,
  CelCompileError,
  type CelType,
  celTypes,
  compile,
  type Environment,
  formatType,
  type Program,
  requestResourceType,
} from '../../cel/index.ts'

const { bool, dyn, field, int, listOf, mapOf, nullType, objectType, openType, string, timestamp } = celTypes

/** Which of the variables there are that not every expression has. */
export interface ExpressionScope {
  readonly params: boolean
  readonly authorizer: boolean
  /** Whether the expression may make `Object{…}` and `JSONPatch{…}`. */
  readonly patches?: boolean
  /** The types of the policy's own variables (`variables.name`). */
  readonly variables?: Readonly<Record<string, CelType>>
}

/** Why an expression cannot be used; the message is the detail of a field's fault. */
export class ExpressionFault extends Error {}

const strings = listOf(string)
const labels = mapOf(string, string)

const groupVersionKind = objectType('kubernetes.GroupVersionKind', {
  group: field(string),
  version: field(string),
  kind: field(string),
})

const groupVersionResource = objectType('kubernetes.GroupVersionResource', {
  group: field(string),
  version: field(string),
  resource: field(string),
})

const userInfo = objectType('kubernetes.UserInfo', {
  username: field(string),
  uid: field(string),
  groups: field(strings),
  extra: field(mapOf(string, strings)),
})

const requestType = objectType('kubernetes.AdmissionRequest', {
  kind: field(groupVersionKind),
  resource: field(groupVersionResource),
  subResource: field(string),
  requestKind: field(groupVersionKind),
  requestResource: field(groupVersionResource),
  requestSubResource: field(string),
  name: field(string),
  namespace: field(string),
  operation: field(string),
  userInfo: field(userInfo),
  dryRun: field(bool),
  options: field(dyn),
})

const namespaceCondition = objectType('kubernetes.NamespaceCondition', {
  status: field(string),
  type: field(string),
  lastTransitionTime: field(timestamp),
  message: field(string),
  reason: field(string),
})

/** Owners and managers of a namespace are not shown. */
const namespaceType = objectType('kubernetes.Namespace', {
  metadata: field(
    objectType('kubernetes.NamespaceMetadata', {
      name: field(string),
      generateName: field(string),
      namespace: field(string),
      labels: field(labels),
      annotations: field(labels),
      UID: field(string, 'uid'),
      creationTimestamp: field(timestamp),
      deletionGracePeriodSeconds: field(int),
      deletionTimestamp: field(timestamp),
      generation: field(int),
      resourceVersion: field(string),
      finalizers: field(strings),
    }),
  ),
  spec: field(objectType('kubernetes.NamespaceSpec', { finalizers: field(strings) })),
  status: field(
    objectType('kubernetes.NamespaceStatus', { conditions: field(listOf(namespaceCondition)), phase: field(string) }),
  ),
})

const jsonPatchType = objectType('JSONPatch', {
  op: field(string),
  path: field(string),
  from: field(string),
  value: field(dyn),
})

/** The types that mutations make; `Object.spec` is what stands in the field `spec` of an `Object`. */
function mutationType(name: string) {
  if (name === 'JSONPatch') return jsonPatchType
  return name === 'Object' || name.startsWith('Object.') ? openType(name) : undefined
}

/** What an expression must give. */
export interface Result {
  readonly words: string
  accepts(type: CelType): boolean
}

const isKind = (kind: CelType['kind']) => (type: CelType) => type.kind === kind

const isObject = (type: CelType, name: string) => type.kind === 'object' && type.name === name

export const boolResult: Result = { words: 'bool', accepts: isKind('bool') }
export const stringResult: Result = { words: 'string', accepts: isKind('string') }
export const annotationResult: Result = {
  words: 'one of [string null_type]',
  accepts: (type) => type.kind === 'string' || type.kind === 'null',
}
export const applyResult: Result = { words: 'Object', accepts: (type) => isObject(type, 'Object') }
export const patchResult: Result = {
  words: 'list(JSONPatch)',
  accepts: (type) => type.kind === 'list' && isObject(type.element, 'JSONPatch'),
}
export const anyResult: Result = { words: 'any', accepts: () => true }

/** The types of `object`, `oldObject` and `params`, where a check knows more than that they are objects. */
export interface KnownTypes {
  readonly object?: CelType
  readonly params?: CelType
}

/** Makes the environment in which an expression is compiled. */
export function environmentOf(scope: ExpressionScope, known: KnownTypes = {}): Environment {
  const { params, authorizer, patches, variables } = scope
  const object = known.object ?? dyn
  return {
    variables: {
      object,
      oldObject: object,
      namespaceObject: namespaceType,
      request: requestType,
      ...(params && { params: known.params ?? dyn }),
      ...(authorizer && { authorizer: authorizerType, 'authorizer.requestResource': requestResourceType }),
      ...(variables && { variables: variablesType(variables) }),
    },
    ...(patches && { messages: mutationType }),
  }
}

function variablesType(variables: Readonly<Record<string, CelType>>): CelType {
  const fields = Object.entries(variables).map(([name, type]) => [name, field(type)] as const)
  return objectType('kubernetes.variables', Object.fromEntries(fields))
}

/**
 * Compiles an expression that must give a certain type of value.
 * @throws ExpressionFault
 */
export function compileExpression(source: string, scope: ExpressionScope, result: Result): Program {
  const program = compileIn(source, environmentOf(scope))
  if (result.accepts(program.resultType)) return program
  const got = program.resultType === nullType ? 'null_type' : formatType(program.resultType)
  throw new ExpressionFault(`must evaluate to ${result.words} but got ${got}`)
}

function compileIn(source: string, environment: Environment): Program {
  try {
    return compile(source, environment)
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error
    throw new ExpressionFault(`compilation failed: ${error.message}`, { cause: error })
  }
}
