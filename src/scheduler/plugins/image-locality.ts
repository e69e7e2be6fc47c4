import type { Pod } from '../../kinds/core/pod.ts'
import { definePlugin } from '../plugin.ts'

const mebibyte = 1024 * 1024
/** Less than this is pulled at once anyway. */
const least = 23 * mebibyte
/** More than this, for each container, makes no difference any more. */
const most = 1000 * mebibyte

/** Prefers nodes on which the pod's images lie, the larger the more, and less so where few nodes have them. */
export const imageLocality = definePlugin<undefined>({
  name: 'ImageLocality',
  listens: [],
  wakes: () => false,
  scorer({ pod }, _nodes, _prepared, { state }) {
    const { containers, wanted } = imagesOf(pod)
    // The share of nodes that have an image keeps all pods from meeting on the first one that pulled it.
    const known = wanted.flatMap((name) => {
      const nodes = state.images.get(name) ?? 0
      return nodes > 0 ? [{ name, share: nodes / state.nodes.length }] : []
    })
    if (known.length === 0) return undefined
    return ({ images }) => {
      let sum = 0
      for (const { name, share } of known) sum += Math.floor((images.get(name) ?? 0) * share)
      const [from, to] = [least, most * containers]
      return (100 * (Math.min(Math.max(sum, from), to) - from)) / (to - from)
    }
  },
  best: 'percent',
  weight: 1,
})

function imagesOf({ spec }: Pod) {
  const images = [...(spec.initContainers ?? []), ...spec.containers].map(({ image }) => image ?? '')
  const volumes = (spec.volumes ?? []).flatMap(({ image }) => image?.reference ?? [])
  return { containers: images.length, wanted: [...images, ...volumes].map(withTag) }
}

/** Nodes tell images with their tag. */
const withTag = (image: string) => (image.lastIndexOf(':') > image.lastIndexOf('/') ? image : `${image}:latest`)
