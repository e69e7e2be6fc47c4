import { parse } from 'yaml'
import { goYaml } from '../../base/go-yaml.ts'
import type { HostWorld } from '../../world/world.ts'
import { FileChanges } from '../file-changes.ts'
import { paths } from '../paths.ts'
import type { Phase } from '../phase.ts'
import type { InitData } from './data.ts'
import { waitForAgent, waitForControlPlane } from './health.ts'
import { runningAgent, startAgent, writeAgentFiles } from './node-agent.ts'

export const kubeletStart: Phase<InitData> = {
  name: 'kubelet-start',
  summary: 'Write kubelet settings and (re)start the kubelet',
  plan: async () => [
    `[kubelet-start] Would write ${paths.kubeletFlags} and ${paths.kubeletConfig}`,
    '[kubelet-start] Would start the kubelet',
  ],
  async run({ world, tools, init, options }) {
    const files = {
      node: init.nodeRegistration,
      configuration: options.settings.kubelet,
      registersTaints: false,
      patches: options.patches,
    }
    const changed = await writeAgentFiles(world, files, tools.print)
    // One that runs with these files already is what an earlier attempt has come to; asked for alone, it is started anew.
    if (changed || options.single || (await runningAgent(world)) === undefined) await startAgent(world, tools.print)
  },
}

export const waitControlPlane: Phase<InitData> = {
  name: 'wait-control-plane',
  summary: 'Wait for the control plane to start',
  plan: async () => ['[wait-control-plane] Would wait for the kubelet and the components of the control plane'],
  async run({ world, tools, timeouts, init }) {
    tools.print(
      `[wait-control-plane] Waiting for the kubelet to boot up the control plane as static Pods from directory ${JSON.stringify(paths.manifests)}`,
    )
    await waitForAgent(world, timeouts, tools.print)
    await waitForControlPlane(world, init.localAPIEndpoint, timeouts, tools.print)
  },
}

const rotatable = `${paths.kubeletCertificates}/kubelet-client-current.pem`

export const kubeletFinalize: Phase<InitData> = {
  name: 'kubelet-finalize',
  summary: 'Updates settings relevant to the kubelet after TLS bootstrap',
  parts: [
    {
      name: 'enable-client-cert-rotation',
      summary: 'Enable kubelet client certificate rotation',
      plan: async () => [
        `[kubelet-finalize] Would have ${paths.kubeletKubeconfig} point to ${rotatable}, when that is there`,
      ],
      async run({ world, tools }) {
        if (!(await isWritten(world, rotatable)) || !(await pointToRotatable(world))) return
        tools.print(
          `[kubelet-finalize] Updating ${JSON.stringify(paths.kubeletKubeconfig)} to point to a rotatable kubelet client certificate and key`,
        )
      },
    },
  ],
}

const patienceMs = 5_000
const lookMs = 250

/** Whether a file is there, or comes soon: an agent that has just been started may be about to write it. */
async function isWritten(world: HostWorld, path: string): Promise<boolean> {
  const end = world.clock.monotonic() + patienceMs
  using changes = new FileChanges(path, world)
  for (;;) {
    if (await world.disk.stat(path)) return true
    if (world.clock.monotonic() > end) return false
    await changes.wait(lookMs)
  }
}

/** Has the agent's kubeconfig name the file that the agent itself renews; whether it did not yet. */
async function pointToRotatable({ disk }: HostWorld): Promise<boolean> {
  const text = await disk.read(paths.kubeletKubeconfig)
  const config =
    text === undefined ? undefined : (parse(text) as { users?: { user?: Record<string, unknown> }[] } | null)
  const user = config?.users?.[0]?.user
  if (!user || user['client-certificate'] === rotatable) return false
  delete user['client-certificate-data']
  delete user['client-key-data']
  user['client-certificate'] = rotatable
  user['client-key'] = rotatable
  await disk.write(paths.kubeletKubeconfig, goYaml(config), 0o600)
  return true
}
