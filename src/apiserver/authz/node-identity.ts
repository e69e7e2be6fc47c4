import type { UserInfo } from '../context.ts'

const prefix = 'system:node:'

/**
 * The node as which somebody asks; empty when it is a node without a name, undefined when it is none. It takes both, the
 * name and the group: certificates for nodes are made with both.
 */
export function nodeNameOf({ name, groups }: UserInfo): string | undefined {
  return name.startsWith(prefix) && groups.includes('system:nodes') ? name.slice(prefix.length) : undefined
}
