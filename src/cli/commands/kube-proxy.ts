import { kubeProxy } from '../../cluster/components/kube-proxy.ts'
import { componentCommand } from './component.ts'

export const kubeProxyCommand = componentCommand(kubeProxy)
