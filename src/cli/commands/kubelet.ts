import { kubelet } from '../../cluster/components/kubelet.ts'
import { componentCommand } from './component.ts'

export const kubeletCommand = componentCommand(kubelet)
