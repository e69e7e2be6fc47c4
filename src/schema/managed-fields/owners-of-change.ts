import type { ApiObject } from '../kind.ts'
import type { Differences } from './compare.ts'
import { equalSets, type FieldSet, isLarge } from './field-set.ts'
import { withRenamed } from './fields-v1.ts'
import type { Owners } from './owners.ts'
import { differJust, type Renamed, type Renaming } from './recognise.ts'
import { ItemFault, type Shape } from './shape.ts'

/** An update, with all that decides whose its fields become. */
export interface Change {
  readonly live: ApiObject
  readonly object: ApiObject
  readonly owners: Owners
  /** Who writes: a name, and the part of the object that may be written in this way. */
  readonly manager: string
  readonly apiVersion: string
  readonly subresource: string
  readonly reset: FieldSet
  readonly given: FieldSet
  /** Fields that no comparison looks at. */
  readonly skipped: FieldSet
}

/** What somebody owns afterwards. */
export interface Share {
  readonly id: string
  /** In the order in which they are stored. */
  readonly fields: FieldSet
  /** Whether these are fields of now. */
  readonly isWritten: boolean
}

export interface Shares {
  readonly differences: Differences | undefined
  readonly shares: readonly Share[]
}

/**
 * Whose the fields of an object are after an update follows from whose they were and from which fields differ; what
 * they hold does not matter. Updates mostly are like others: heartbeats, counts, a label that gets another value. So
 * the last answers are kept, and to see whether one of them is right takes a walk over what differs, which makes nothing.
 */
export class OwnersOfChange {
  readonly #shape: Shape
  /** The one that was right last comes first. */
  #answers: readonly Answer[] = []

  constructor(shape: Shape) {
    this.#shape = shape
  }

  /** What `find` gives for this change. */
  of(change: Change, find: () => Shares): readonly Share[] {
    const { owners, apiVersion } = change
    // How the change looks in other versions is not to be seen here.
    for (const owner of owners.values()) if (owner.apiVersion !== apiVersion) return find().shares
    for (const answer of this.#answers) {
      const renamed = this.#recognised(answer, change)
      if (renamed === undefined) continue
      if (answer !== this.#answers[0]) this.#keep(answer)
      return renamed.length === 0 ? answer.shares : answer.shares.map((share) => withNames(share, renamed))
    }
    const found = find()
    const all = [...owners.values(), ...found.shares]
    if (!all.some(({ fields }) => isLarge(fields))) this.#keep({ change: withoutObjects(change), ...found })
    return found.shares
  }

  /** What has other names in this change than in the one that was answered; undefined: that is another one. */
  #recognised(answer: Answer, change: Change): readonly Renamed[] | undefined {
    if (!isAsked(answer.change, change)) return undefined
    const renaming: Renaming = { path: [], found: [] }
    try {
      const { live, object, skipped } = change
      if (!differJust(this.#shape, live, object, skipped, answer.differences, renaming)) return undefined
    } catch (error) {
      // Whoever looks at everything says so.
      if (error instanceof ItemFault) return undefined
      throw error
    }
    return renaming.found.some(({ path }) => isOwned(change.owners, path)) ? undefined : renaming.found
  }

  #keep(answer: Answer): void {
    this.#answers = [answer, ...this.#answers.filter((other) => other !== answer)].slice(0, keptAnswers)
  }
}

interface Answer extends Shares {
  readonly change: Asked
}

type Asked = Omit<Change, 'live' | 'object'>

const withoutObjects = ({ live: _, object: __, ...asked }: Change): Asked => asked

const keptAnswers = 8

function isAsked(known: Asked, change: Change): boolean {
  return (
    known.manager === change.manager &&
    known.subresource === change.subresource &&
    known.apiVersion === change.apiVersion &&
    known.reset === change.reset &&
    equalSets(known.given, change.given) &&
    isOwnedAlike(known.owners, change.owners)
  )
}

/** Whether the same own the same; since when does not matter. */
function isOwnedAlike(known: Owners, owners: Owners): boolean {
  if (known.size !== owners.size) return false
  for (const [id, { fields }] of known) {
    const other = owners.get(id)
    if (other === undefined || !equalSets(fields, other.fields)) return false
  }
  return true
}

/** Whether somebody owned something of what lies there. */
function isOwned(owners: Owners, path: readonly string[]): boolean {
  for (const { fields } of owners.values()) {
    let at: FieldSet | undefined = fields
    for (const element of path) at = at?.[element]
    if (at !== undefined) return true
  }
  return false
}

const withNames = (share: Share, renamed: readonly Renamed[]): Share =>
  share.isWritten ? { ...share, fields: withRenamed(share.fields, renamed) } : share
