/** Where the parameters of a policy come from. */

import type { ParamKind, ParamRef } from '../../../kinds/admissionregistration/shared.ts'
import { type ApiObject, apiVersionOf, type Kind } from '../../../schema/kind.ts'
import { toLabelSelector } from '../../../schema/selectors.ts'
import type { ClusterReader } from '../../admission.ts'
import { kindText } from '../dynamic/subject.ts'

/** A policy or a binding that cannot be used as it is. */
export class ConfigurationError extends Error {}

/**
 * The kind of a policy's parameters; undefined: it has none.
 * @throws ConfigurationError when nothing of the sort is served
 */
export function paramKindOf(paramKind: ParamKind | undefined, kinds: readonly Kind[]): Kind | undefined {
  if (paramKind === undefined) return undefined
  const { apiVersion = '', kind: name = '' } = paramKind
  const found = kinds.find((kind) => kind.kind === name && apiVersionOf(kind) === apiVersion)
  if (found !== undefined) return found
  const [version = '', group = ''] = apiVersion.split('/').reverse()
  const text = kindText({ group, version, kind: name })
  throw new ConfigurationError(`failed to find resource referenced by paramKind: '${text}'`)
}

/**
 * The objects with which a policy is to be evaluated, one after the other; null stands for none. Nothing at all: the
 * binding lets everything pass because there are no parameters.
 * @throws ConfigurationError
 */
export function paramsOf(
  kind: Kind | undefined,
  reference: ParamRef | undefined,
  requestNamespace: string,
  reader: ClusterReader,
): readonly (ApiObject | null)[] {
  if (kind === undefined || reference === undefined) return [null]
  const found = find(kind, reference, namespaceOf(kind, reference, requestNamespace), reader)
  if (found.length > 0 || reference.parameterNotFoundAction !== 'Deny') return found
  throw new ConfigurationError('no params found for policy binding with `Deny` parameterNotFoundAction')
}

function namespaceOf(kind: Kind, { namespace = '' }: ParamRef, requestNamespace: string): string {
  if (!kind.namespaced) {
    if (namespace === '') return ''
    throw new ConfigurationError('paramRef.namespace must not be provided for a cluster-scoped `paramKind`')
  }
  if (namespace !== '') return namespace
  if (requestNamespace !== '') return requestNamespace
  throw new ConfigurationError('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources')
}

function find(kind: Kind, { name, selector }: ParamRef, namespace: string, reader: ClusterReader) {
  if (name) {
    const param = reader.get(kind, namespace, name)
    return param === undefined ? [] : [param]
  }
  const selected = toLabelSelector(selector ?? {})
  return reader.list(kind, namespace).filter(({ metadata }) => selected.matches(metadata.labels))
}
