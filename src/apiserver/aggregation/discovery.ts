import type { RemoteCatalogue, ServedGroup, ServedVersion } from '../catalogue.ts'
import { compareVersions } from '../custom/versions.ts'

/**
 * All groups, with those that other servers answer for, in the order of their priorities: a group's is the highest of
 * its versions'. What has the same priority stays as it was; of what is not built in, that is the order of the names.
 */
export function withRemotes(groups: readonly ServedGroup[], remotes: RemoteCatalogue): readonly ServedGroup[] {
  const all = new Map(groups.map((group) => [group.name, group]))
  for (const { group: name, version, resources, isFresh } of remotes.remotes) {
    const group = all.get(name) ?? { name, versions: [] }
    const others = group.versions.filter((served) => served.version !== version)
    all.set(name, { name, versions: [...others, { version, kinds: [], remote: { resources, isFresh } }] })
  }
  return [...all.values()]
    .map((group) => ({ group: inOrder(group, remotes), priority: priorityOf(group, remotes) }))
    .sort((left, right) => right.priority - left.priority || byName(left.group, right.group, left.priority))
    .map(({ group }) => group)
}

const priorityOf = ({ name, versions }: ServedGroup, remotes: RemoteCatalogue) =>
  Math.max(...versions.map(({ version }) => remotes.priorityOf(name, version).group))

/** From here on priorities are of groups that are built in, which have an order of their own. */
const builtInPriorities = 15_000

function byName(left: ServedGroup, right: ServedGroup, priority: number): number {
  if (priority >= builtInPriorities) return 0
  return left.name < right.name ? -1 : 1
}

function inOrder(group: ServedGroup, remotes: RemoteCatalogue): ServedGroup {
  if (group.versions.length < 2) return group
  const priority = ({ version }: ServedVersion) => remotes.priorityOf(group.name, version).version
  const versions = group.versions.toSorted(
    (left, right) => priority(right) - priority(left) || compareVersions(left.version, right.version),
  )
  return { ...group, versions }
}
