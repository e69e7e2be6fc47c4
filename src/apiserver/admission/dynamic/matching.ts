/** Which requests a policy, a binding or a webhook is for. */

import type { MatchResources, RuleWithOperations } from '../../../kinds/admissionregistration/shared.ts'
import { Namespace } from '../../../kinds/core/namespace.ts'
import type { ApiObject, Kind } from '../../../schema/kind.ts'
import { type LabelSelector, type LabelSelectorLike, noLabel, toLabelSelector } from '../../../schema/selectors.ts'
import { notFound } from '../../../schema/status.ts'
import type { AdmissionAttributes, ClusterReader } from '../../admission.ts'
import { matchRules, type RuleMatch, type Situation } from './rules.ts'

/** `matchConstraints` of policies, `matchResources` of bindings, and the same fields of webhooks. */
export interface Criteria extends Pick<MatchResources, 'namespaceSelector' | 'objectSelector' | 'matchPolicy'> {
  readonly resourceRules?: readonly RuleWithOperations[]
  readonly excludeResourceRules?: readonly RuleWithOperations[]
}

/** The part of a match that is the same for all requests of a sort. */
export interface Plan {
  readonly matches: readonly RuleMatch[]
  readonly excludes: readonly RuleMatch[]
}

/** Criteria, ready to be asked. Selectors that cannot be read match nothing: they are checked when they are stored. */
export class Matcher {
  readonly #criteria: Criteria
  readonly #needsRules: boolean
  readonly #namespaces: LabelSelector
  readonly #objects: LabelSelector

  /** `needsRules`: without a rule nothing matches; else everything does (a binding that does not narrow its policy). */
  constructor(criteria: Criteria, needsRules: boolean) {
    this.#criteria = criteria
    this.#needsRules = needsRules
    this.#namespaces = readable(criteria.namespaceSelector)
    this.#objects = readable(criteria.objectSelector)
  }

  /** Undefined: no request of this sort can match. */
  plan(situation: Situation): Plan | undefined {
    const { resourceRules = [], excludeResourceRules = [], matchPolicy } = this.#criteria
    const isExact = matchPolicy === 'Exact'
    const isOpen = resourceRules.length === 0 && !this.#needsRules
    const matches = isOpen ? [{ version: situation.kind, names: [] }] : matchRules(resourceRules, isExact, situation)
    if (matches.length === 0) return undefined
    return { matches, excludes: matchRules(excludeResourceRules, isExact, situation) }
  }

  /**
   * The version of the resource that the request is to be seen as; undefined: it does not match.
   * @throws ApiError when the namespace is not there
   */
  match({ matches, excludes }: Plan, attributes: AdmissionAttributes, reader: ClusterReader): Kind | undefined {
    if (!this.#matchesObject(attributes)) return undefined
    const covers = ({ names }: RuleMatch) => names.length === 0 || names.includes(attributes.name)
    if (excludes.some(covers)) return undefined
    const found = matches.find(covers)
    return found !== undefined && this.#matchesNamespace(attributes, reader) ? found.version : undefined
  }

  #matchesObject({ object, oldObject }: AdmissionAttributes): boolean {
    if (this.#objects.everything) return true
    const matches = (candidate: ApiObject | undefined) =>
      candidate !== undefined && this.#objects.matches(candidate.metadata.labels)
    return matches(object) || matches(oldObject)
  }

  /** What belongs to no namespace matches, but for namespaces, which are judged by their own labels. */
  #matchesNamespace(attributes: AdmissionAttributes, reader: ClusterReader): boolean {
    if (this.#namespaces.everything) return true
    const { kind, namespace, name, object, operation, subresource } = attributes
    const isNamespace = kind.plural === 'namespaces' && kind.group === ''
    if (!isNamespace && namespace === '') return true
    const isWritten = isNamespace && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE')
    if (isWritten) return this.#namespaces.matches(object?.metadata.labels)
    return this.#namespaces.matches(requireNamespace(reader, isNamespace ? name : namespace).metadata.labels)
  }
}

function readable(selector: LabelSelectorLike | undefined): LabelSelector {
  try {
    return toLabelSelector(selector ?? {})
  } catch {
    return noLabel
  }
}

/** @throws NotFound */
export function requireNamespace(reader: ClusterReader, name: string): Namespace {
  const found = reader.get(Namespace, '', name)
  if (found === undefined) throw notFound({ group: '', resource: 'namespaces' }, name)
  return found
}
