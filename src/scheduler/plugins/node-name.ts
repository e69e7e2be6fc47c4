import { definePlugin, never, nodeChanged, nothingToSay } from '../plugin.ts'

const refusal = never("node(s) didn't match the requested node name")

/** A pod that names its node goes there and nowhere else. */
export const nodeName = definePlugin<string>({
  name: 'NodeName',
  isLocal: true,
  listens: ['node'],
  wakes: (event) => nodeChanged(event, 'labels'),
  prepare: ({ spec }) => spec.nodeName || nothingToSay,
  filter: (_pod, { name }, wanted) => (name === wanted ? undefined : refusal),
})
