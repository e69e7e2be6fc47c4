import { node } from '../../cluster/components/node.ts'
import { componentCommand } from './component.ts'

export const nodeCommand = componentCommand(node)
