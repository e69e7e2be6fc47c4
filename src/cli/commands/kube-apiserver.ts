import { apiServer } from '../../cluster/components/api-server.ts'
import { componentCommand } from './component.ts'

export const kubeApiserver = componentCommand(apiServer)
