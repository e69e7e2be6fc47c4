import type { Pod } from '../../kinds/core/pod.ts'
import { ApiError } from '../../schema/status.ts'

/** What is simulated says so, instead of something that looks as if a container had said nothing. */
const simulated = (message: string) => new ApiError('', message, { code: 501 })

export const simulatedPod = ({ metadata, spec }: Pod, missing: string): ApiError =>
  simulated(`pod ${metadata.name} runs on the simulated node ${spec.nodeName}: ${missing}`)

export const simulatedNode = (name: string, missing: string): ApiError =>
  simulated(`node ${name} is simulated: ${missing}`)
