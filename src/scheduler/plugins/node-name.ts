import { definePlugin, never, nodeChanged } from '../plugin.ts'

const refusal = never("node(s) didn't match the requested node name")

/** A pod that names its node goes there or nowhere. */
export const nodeName = definePlugin({
  name: 'NodeName',
  wakes: (event) => nodeChanged(event, (node) => node.metadata.name),
  filter: (pod, node) => (pod.spec.nodeName && pod.spec.nodeName !== node.name ? refusal : undefined),
})
