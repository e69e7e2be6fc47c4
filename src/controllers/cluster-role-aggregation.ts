import { ClusterRole } from '../kinds/rbac/cluster-role.ts'
import { patch } from '../reconciler/changes.ts'
import { type Controller, defineController, watch } from '../reconciler/controller.ts'
import { matcherOf } from '../reconciler/selector.ts'

/** Fills roles that are made of others: `admin`, `edit` and `view` take in what add-ons label for them. */
export const clusterRoleAggregationController: Controller = defineController<ClusterRole>({
  name: 'clusterrole-aggregation-controller',
  reconciles: ClusterRole,
  watches: [
    watch(ClusterRole, (_, { list }) =>
      list(ClusterRole)
        .filter(({ aggregationRule }) => aggregationRule !== undefined)
        .map(({ metadata }) => ({ name: metadata.name! })),
    ),
  ],

  *reconcile(role, { list }) {
    if (role.aggregationRule === undefined) return
    const all = list(ClusterRole).toSorted((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1))
    // The API writes equal rules alike, so that their texts tell: a hundred of them are compared with each other.
    const rules = new Map<string, NonNullable<ClusterRole['rules']>[number]>()
    for (const selector of role.aggregationRule.clusterRoleSelectors ?? []) {
      const matches = matcherOf(selector)
      const parts = all.filter(({ metadata }) => metadata.name !== role.metadata.name && matches(metadata.labels))
      for (const rule of parts.flatMap((part) => part.rules ?? [])) {
        const text = JSON.stringify(rule)
        if (!rules.has(text)) rules.set(text, rule)
      }
    }
    const own = JSON.stringify(role.rules ?? [])
    if (own !== `[${[...rules.keys()].join()}]`)
      yield patch(ClusterRole, role, { type: 'merge', body: { rules: [...rules.values()] } })
  },
})
