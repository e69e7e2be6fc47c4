import type {
  CustomResourceDefinition,
  CustomResourceDefinitionCondition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionStatus,
} from '../../kinds/apiextensions/custom-resource-definition.ts'

type Condition = CustomResourceDefinitionCondition
type Verdict = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>

/** Names that other definitions of the same group have been given. */
export interface TakenNames {
  /** Plurals, singulars and short names. */
  readonly resources: ReadonlySet<string>
  readonly kinds: ReadonlySet<string>
}

/** The names that the other definitions of a group have. */
export function namesTaken(others: Iterable<CustomResourceDefinition>): TakenNames {
  const resources = new Set<string>()
  const kinds = new Set<string>()
  for (const { status } of others) {
    const { plural, singular = '', shortNames = [], kind, listKind = '' } = status.acceptedNames
    for (const name of [plural, singular, ...shortNames]) resources.add(name)
    for (const name of [kind, listKind]) kinds.add(name)
  }
  return { resources, kinds }
}

/** The status that a definition gets when its names are looked at: what it is given, and whether it is served. */
export function statusWithNames(
  definition: CustomResourceDefinition,
  taken: TakenNames,
  time: string,
): CustomResourceDefinitionStatus {
  const { names, conflict } = acceptNames(definition, taken)
  const accepted: Verdict = conflict ?? {
    type: 'NamesAccepted',
    status: 'True',
    reason: 'NoConflicts',
    message: 'no conflicts found',
  }
  const { conditions = [] } = definition.status
  const isEstablished = conditionOf(definition, 'Established')?.status === 'True'
  const established: Verdict =
    conflict === undefined
      ? {
          type: 'Established',
          status: 'True',
          reason: 'InitialNamesAccepted',
          message: 'the initial names have been accepted',
        }
      : { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' }
  // Once served it stays so: objects may be there already.
  const verdicts = isEstablished ? [accepted] : [accepted, established]
  return {
    ...definition.status,
    conditions: verdicts.reduce((all, verdict) => withCondition(all, verdict, time), conditions ?? []),
    acceptedNames: names,
  }
}

export function conditionOf(definition: CustomResourceDefinition, type: string): Condition | undefined {
  return definition.status.conditions?.find((condition) => condition.type === type)
}

/** The conditions with this one; its time changes with its status only. */
export function withCondition(conditions: readonly Condition[], verdict: Verdict, time: string): readonly Condition[] {
  const at = conditions.findIndex(({ type }) => type === verdict.type)
  const old = conditions[at]
  const lastTransitionTime = old?.status === verdict.status ? old.lastTransitionTime : time
  const condition = { ...old, ...verdict, lastTransitionTime }
  return old === undefined ? [...conditions, condition] : conditions.with(at, condition)
}

interface Acceptance {
  readonly names: CustomResourceDefinitionNames
  readonly conflict: Verdict | undefined
}

/** Names that are free, or the definition's already, are given; of conflicts the last is told. */
function acceptNames({ spec, status }: CustomResourceDefinition, { resources, kinds }: TakenNames): Acceptance {
  const wanted = spec.names
  const had = status.acceptedNames
  const conflicts: (readonly [reason: string, message: string])[] = []
  const accept = (reason: string, name = '', old = '', used: ReadonlySet<string>): string => {
    if (name === old || !used.has(name)) return name
    conflicts.push([reason, inUse(name)])
    return old
  }
  const plural = accept('PluralConflict', wanted.plural, had.plural, resources)
  const singular = accept('SingularConflict', wanted.singular, had.singular, resources)
  const { shortNames = [] } = wanted
  const inTheWay = shortNames.filter((name) => !had.shortNames?.includes(name) && resources.has(name)).map(inUse)
  if (inTheWay.length > 0) {
    conflicts.push(['ShortNamesConflict', inTheWay.length === 1 ? inTheWay[0]! : `[${inTheWay.join(', ')}]`])
  }
  const givenShort = inTheWay.length > 0 ? (had.shortNames ?? []) : shortNames
  const kind = accept('KindConflict', wanted.kind, had.kind, kinds)
  const listKind = accept('ListKindConflict', wanted.listKind, had.listKind, kinds)
  const { categories = [] } = wanted
  const last = conflicts.at(-1)
  return {
    names: {
      plural,
      ...(singular !== '' && { singular }),
      ...(givenShort.length > 0 && { shortNames: givenShort }),
      kind,
      ...(listKind !== '' && { listKind }),
      ...(categories.length > 0 && { categories }),
    },
    conflict: last && { type: 'NamesAccepted', status: 'False', reason: last[0], message: last[1] },
  }
}

const inUse = (name: string) => `${JSON.stringify(name)} is already in use`
