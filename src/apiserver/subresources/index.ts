import { bind } from './binding.ts'
import { evict } from './eviction.ts'
import type { SubresourceCreator } from './resources.ts'

/** What a POST to a sub-resource does. The name is `<plural>.<group>/<sub-resource>`. To add one, add a line here. */
export const subresourceCreators: Readonly<Record<string, SubresourceCreator>> = {
  'pods./binding': bind,
  'pods./eviction': evict,
}
