import { controllerManager } from '../../cluster/components/controller-manager.ts'
import { componentCommand } from './component.ts'

export const kubeControllerManager = componentCommand(controllerManager)
