import type { PolicyRule } from '../../kinds/rbac/shared.ts'
import type { UserInfo } from '../context.ts'
import { type Attributes, type Authorizer, type Decision, noOpinion } from './authz.ts'
import type { NodeGraph, RelatedType } from './node-graph.ts'
import { nodeNameOf } from './node-identity.ts'
import type { FindNodeGraph } from './node-sync.ts'
import { ruleAllows } from './rbac.ts'
import type { ResolvedRules, RuleResolver } from './rules.ts'

/**
 * What node agents may do (`--authorization-mode=Node`): their own node, lease and driver list, the pods that are bound
 * to them, what those refer to, and besides what `rules` allow all nodes. It never denies: what it does not allow, RBAC
 * may. That an agent writes only what is its own, the admission plugin NodeRestriction sees to.
 */
export class NodeAuthorizer implements Authorizer, RuleResolver {
  readonly #findGraph: FindNodeGraph
  readonly #rules: readonly PolicyRule[]

  constructor(findGraph: FindNodeGraph, rules: readonly PolicyRule[]) {
    this.#findGraph = findGraph
    this.#rules = rules
  }

  authorize(attributes: Attributes): Decision | Promise<Decision> {
    const node = nodeNameOf(attributes.user)
    if (node === undefined) return noOpinion()
    if (node === '') return noOpinion(`unknown node for user ${JSON.stringify(attributes.user.name)}`)
    const judge = attributes.isResource ? judges[`${attributes.resource}.${attributes.apiGroup}`] : undefined
    if (!judge) return this.#rules.some((rule) => ruleAllows(rule, attributes)) ? allowed : noOpinion()
    const found = this.#findGraph()
    const judged = (graph: NodeGraph) => judge({ node, graph, ...attributes })
    return found instanceof Promise ? found.then(judged, notKnown) : judged(found)
  }

  resolveRules(user: UserInfo): ResolvedRules {
    if (nodeNameOf(user) === undefined) return { rules: [], incomplete: false }
    return { rules: [], incomplete: true, error: 'node authorizer does not support user rule resolution' }
  }
}

const allowed: Decision = { allowed: true, reason: '' }

/** Others may allow it all the same. */
const notKnown = (error: Error): Decision => ({
  allowed: false,
  reason: '',
  evaluationError: `what nodes are related to is not known: ${error.message}`,
})

interface Question extends Attributes {
  readonly node: string
  readonly graph: NodeGraph
}

type Judge = (question: Question) => Decision

/** By plural and group. What is not listed is the same for all nodes. */
const judges: Readonly<Record<string, Judge | undefined>> = {
  'secrets.': (question) => mayRead(question, 'secret'),
  'configmaps.': (question) => mayRead(question, 'configmap'),
  'persistentvolumeclaims.': (question) =>
    question.subresource === 'status'
      ? mayUpdateStatus(question, 'persistentvolumeclaim')
      : mayGet(question, 'persistentvolumeclaim'),
  'persistentvolumes.': (question) => mayGet(question, 'persistentvolume'),
  'resourceclaims.resource.k8s.io': (question) => mayGet(question, 'resourceclaim'),
  'volumeattachments.storage.k8s.io': (question) => mayGet(question, 'volumeattachment'),
  'serviceaccounts.': (question) =>
    question.verb === 'get' ? mayGet(question, 'serviceaccount') : mayCreateToken(question),
  'leases.coordination.k8s.io': judgeLease,
  'csinodes.storage.k8s.io': judgeDriverList,
  'resourceslices.resource.k8s.io': judgeSlice,
  'nodes.': judgeNode,
  'pods.': judgePod,
}

function ifRelated({ node, graph, namespace, name }: Question, type: RelatedType): Decision {
  if (name === '') return noOpinion('No Object name found')
  if (graph.isRelated(node, type, namespace, name)) return allowed
  return noOpinion(`no relationship found between node '${node}' and this object`)
}

function mayRead(question: Question, type: RelatedType): Decision {
  const { verb, subresource, namespace } = question
  if (verb !== 'get' && verb !== 'list' && verb !== 'watch') return noOpinion('can only read resources of this type')
  if (subresource !== '') return noOpinion('cannot read subresource')
  if (namespace === '') return noOpinion('can only read namespaced object of this type')
  return ifRelated(question, type)
}

function mayGet(question: Question, type: RelatedType): Decision {
  if (question.verb !== 'get') return noOpinion('can only get individual resources of this type')
  if (question.subresource !== '') return noOpinion('cannot get subresource')
  return ifRelated(question, type)
}

function mayUpdateStatus(question: Question, type: RelatedType): Decision {
  const { verb } = question
  if (verb !== 'update' && verb !== 'patch') return noOpinion('can only get/update/patch this type')
  return ifRelated(question, type)
}

function mayCreateToken(question: Question): Decision {
  const { verb, name, subresource } = question
  if (verb !== 'create' || name === '') return noOpinion('can only create tokens for individual service accounts')
  if (subresource !== 'token') return noOpinion('can only create token subresource of serviceaccount')
  return ifRelated(question, 'serviceaccount')
}

const ownObjectVerbs: ReadonlySet<string> = new Set(['get', 'create', 'update', 'patch', 'delete'])

function judgeLease({ node, verb, namespace, name }: Question): Decision {
  if (!ownObjectVerbs.has(verb)) return noOpinion('can only get, create, update, patch, or delete a node lease')
  if (namespace !== 'kube-node-lease') {
    return noOpinion('can only access leases in the "kube-node-lease" system namespace')
  }
  // The name of what is being created is in the body alone.
  if (verb === 'create' || name === node) return allowed
  return noOpinion('can only access node lease with the same name as the requesting node')
}

function judgeDriverList({ node, verb, subresource, name }: Question): Decision {
  if (!ownObjectVerbs.has(verb)) return noOpinion('can only get, create, update, patch, or delete a CSINode')
  if (subresource !== '') return noOpinion('cannot authorize CSINode subresources')
  if (verb === 'create' || name === node) return allowed
  return noOpinion('can only access CSINode with the same name as the requesting node')
}

function judgeSlice(question: Question): Decision {
  if (question.subresource !== '') return noOpinion('cannot authorize ResourceSlice subresources')
  switch (question.verb) {
    case 'create':
      return allowed
    case 'get':
    case 'update':
    case 'patch':
    case 'delete':
      return ifRelated(question, 'resourceslice')
    case 'watch':
    case 'list':
    case 'deletecollection':
      if (selects(question, 'spec.nodeName')) return allowed
      return noOpinion('can only list/watch/deletecollection resourceslices with nodeName field selector')
    default:
      return noOpinion(
        'only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection',
      )
  }
}

const selects = ({ node, fieldSelector }: Question, field: string) =>
  fieldSelector?.some((term) => term.field === field && term.equal && term.value === node) ?? false

function judgeNode({ node, verb, subresource, name }: Question): Decision {
  switch (`${verb} ${subresource}`) {
    case 'create ':
    case 'update ':
    case 'patch ':
    case 'update status':
    case 'patch status':
      return allowed
    case 'get ':
    case 'list ':
    case 'watch ':
      // By name alone: an agent looks for its node before it is there.
      if (name === node) return allowed
      return noOpinion(
        name === ''
          ? `node '${node}' cannot read all nodes, only its own Node object`
          : `node '${node}' cannot read '${name}', only its own Node object`,
      )
    default:
      return noOpinion()
  }
}

function judgePod(question: Question): Decision {
  switch (`${question.verb} ${question.subresource}`) {
    case 'get ':
      return mayGet(question, 'pod')
    case 'list ':
    case 'watch ':
      if (selects(question, 'spec.nodeName')) return allowed
      if (question.name !== '') return ifRelated(question, 'pod')
      return noOpinion('can only list/watch pods with spec.nodeName field selector')
    case 'create ':
    case 'delete ':
    case 'update status':
    case 'patch status':
    case 'create eviction':
      return allowed
    default:
      return noOpinion()
  }
}
