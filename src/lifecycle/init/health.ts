import { formatDuration, parseDuration } from '../../base/duration.ts'
import type { HostWorld } from '../../world/world.ts'
import type { Timeouts } from '../config/types.ts'
import { LifecycleError } from '../failure.ts'
import { hostPort, loopbackOf } from '../manifests/arguments.ts'
import { controllerManagerPort, schedulerPort } from '../manifests/control-plane.ts'
import { paths } from '../paths.ts'
import { healthAddress, kubeletLogFile, runningAgent } from './node-agent.ts'

/** Waiting until what was started is well. */
type Print = (line: string) => void

/** Nobody tells when a port begins to be served; a refused connection costs little. */
const pauseMs = 50
const tailLines = 10

/** @throws LifecycleError when the agent ends, or is not well in time, with the end of its log */
export async function waitForAgent(world: HostWorld, timeouts: Required<Timeouts>, print: Print): Promise<void> {
  const url = await healthAddress(world)
  const timeout = timeouts.kubeletHealthCheck
  print(`[kubelet-check] Waiting for a healthy kubelet at ${url}. This can take up to ${timeout}`)
  const began = world.clock.monotonic()
  const giveUpAt = began + parseDuration(timeout)
  while (!(await isWell(world, url))) {
    const ended = (await runningAgent(world)) === undefined
    if (ended || world.clock.monotonic() > giveUpAt) {
      print(`[kubelet-check] The kubelet is not healthy after ${elapsed(world, began)}`)
      throw await agentFailed(world, ended ? 'the kubelet has ended' : `the kubelet is not healthy at ${url}`)
    }
    await world.clock.after(pauseMs)
  }
  print(`[kubelet-check] The kubelet is healthy after ${elapsed(world, began)}`)
}

/** What its log says at its end is what people need to see. */
export async function agentFailed(world: HostWorld, message: string): Promise<LifecycleError> {
  const log = (await world.disk.read(kubeletLogFile).catch(() => undefined)) ?? ''
  const tail = log.trimEnd().split('\n').slice(-tailLines)
  return new LifecycleError([message, ...tail.filter((line) => line !== '').map((line) => `    ${line}`)].join('\n'), {
    hint: `its log is ${kubeletLogFile} (with systemd: journalctl -xeu kubelet); the same command goes on from here when that is mended`,
  })
}

/** @throws LifecycleError when a component is not well in time, with where its log is */
export async function waitForControlPlane(
  world: HostWorld,
  endpoint: { readonly advertiseAddress: string; readonly bindPort: number },
  timeouts: Required<Timeouts>,
  print: Print,
): Promise<void> {
  const timeout = timeouts.controlPlaneComponentHealthCheck
  print(`[control-plane-check] Waiting for healthy control plane components. This can take up to ${timeout}`)
  const loopback = loopbackOf(endpoint.advertiseAddress)
  const components = [
    ['kube-apiserver', `https://${hostPort(endpoint.advertiseAddress, endpoint.bindPort)}/livez`],
    ['kube-controller-manager', `https://${hostPort(loopback, controllerManagerPort)}/healthz`],
    ['kube-scheduler', `https://${hostPort(loopback, schedulerPort)}/livez`],
  ] as const
  for (const [name, url] of components) print(`[control-plane-check] Checking ${name} at ${url}`)
  const began = world.clock.monotonic()
  const giveUpAt = began + parseDuration(timeout)
  const failures = await Promise.all(
    components.map(async ([name, url]) => {
      while (!(await isWell(world, url))) {
        const ended = (await runningAgent(world)) === undefined
        if (ended || world.clock.monotonic() > giveUpAt) {
          print(`[control-plane-check] ${name} is not healthy after ${elapsed(world, began)}`)
          return { name, ended, url }
        }
        await world.clock.after(pauseMs)
      }
      print(`[control-plane-check] ${name} is healthy after ${elapsed(world, began)}`)
      return undefined
    }),
  )
  const failed = failures.filter((failure) => failure !== undefined)
  if (failed.some(({ ended }) => ended)) throw await agentFailed(world, 'the kubelet has ended')
  if (failed.length > 0) {
    const checks = failed.map(({ name, url }) => `${name} check failed at ${url}`).join('; ')
    throw new LifecycleError(`could not initialize the control plane: ${checks}`, {
      hint: `logs are below ${paths.podLogs}, that of the kubelet is ${kubeletLogFile}; the same command goes on from here when that is mended`,
    })
  }
}

/** Whether something answers that it is well. */
export async function isWell({ network }: HostWorld, url: string): Promise<boolean> {
  try {
    const answer = await network.request({ url, tls: { skipServerVerification: true }, timeoutMs: 2000 })
    answer.close()
    return answer.status === 200
  } catch {
    return false
  }
}

const elapsed = ({ clock }: HostWorld, began: number) => formatDuration(Math.round(clock.monotonic() - began))
