import { scheduler } from '../../cluster/components/scheduler.ts'
import { componentCommand } from './component.ts'

export const kubeScheduler = componentCommand(scheduler)
