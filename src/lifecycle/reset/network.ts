import type { HostWorld } from '../../world/world.ts'
import type { Phase } from '../phase.ts'
import type { ResetData } from './data.ts'

/**
 * What network plugins and the proxy of services leave on a host: links, the addresses that were given out, and chains of
 * rules. The notes' clean-up; a link that is not there is no reason to stop. The plugins' configuration stays, as it is
 * the host's administrator's.
 */
export const cleanupNetwork: Phase<ResetData> = {
  name: 'cleanup-network',
  summary: 'Remove links, addresses and rules that network plugins and the proxy of services have left',
  async plan({ world }) {
    const links = await linksThere(world)
    const tools = await ruleTools(world)
    return [
      ...links.map((link) => `[reset] Would delete the link ${link}`),
      ...tools.map(({ save }) => `[reset] Would remove chains of rules of Kubernetes and of network plugins (${save})`),
    ]
  },
  async run({ world, tools }) {
    for (const link of await linksThere(world)) await removeLink(world, link, tools)
    for (const folder of addressFolders) {
      if (!(await world.disk.stat(folder))) continue
      await world.disk.remove(folder)
      tools.print(`[reset] Deleted ${folder}`)
    }
    for (const tool of await ruleTools(world)) await removeRules(world, tool, tools)
  },
}

const links: readonly string[] = [
  'cni0',
  'flannel.1',
  'flannel-v6.1',
  'cilium_host',
  'cilium_vxlan',
  'vxlan.calico',
  'kube-ipvs0',
  'kube-bridge',
]
const addressFolders: readonly string[] = ['/var/lib/cni/flannel', '/var/lib/cni/networks', '/var/lib/cni/network']

async function linksThere({ disk }: HostWorld): Promise<readonly string[]> {
  const table = (await disk.read('/proc/net/dev').catch(() => undefined)) ?? ''
  const there = new Set(table.split('\n').map((line) => line.slice(0, line.lastIndexOf(':')).trim()))
  return links.filter((link) => there.has(link))
}

async function removeLink(world: HostWorld, link: string, { print, warn }: ResetData['tools']): Promise<void> {
  const done = await world.exec.run('ip', ['link', 'delete', link], { timeoutMs: 10_000 }).catch((error: Error) => ({
    code: undefined,
    stderr: error.message,
  }))
  if (done.code === 0) print(`[reset] Deleted the link ${link}`)
  else warn(`[reset] Failed to delete the link ${link}: ${done.stderr.trim()}`)
}

interface RuleTool {
  readonly save: string
  readonly restore: string
}

const ruleToolsKnown: readonly RuleTool[] = [
  { save: 'iptables-save', restore: 'iptables-restore' },
  { save: 'ip6tables-save', restore: 'ip6tables-restore' },
]

async function ruleTools({ exec }: HostWorld): Promise<readonly RuleTool[]> {
  const there = await Promise.all(ruleToolsKnown.map(({ restore }) => exec.which(restore)))
  return ruleToolsKnown.filter((_, index) => there[index] !== undefined)
}

/** Names that chains of Kubernetes and of network plugins begin with. */
const ofOthers = /(^:|-A |-j |-g )(KUBE-|CNI-|FLANNEL-|cali-|cali:|CILIUM_|OLD_CILIUM_)/

async function removeRules(
  world: HostWorld,
  { save, restore }: RuleTool,
  { print, warn }: ResetData['tools'],
): Promise<void> {
  const saved = await world.exec.run(save, [], { timeoutMs: 30_000 })
  const lines = saved.stdout.split('\n')
  const kept = lines.filter((line) => !ofOthers.test(line))
  if (saved.code !== 0 || kept.length === lines.length) return
  const { code, stderr } = await world.exec.run(restore, [], { input: kept.join('\n'), timeoutMs: 30_000 })
  if (code === 0)
    print(`[reset] Removed ${lines.length - kept.length} rules and chains of Kubernetes and of network plugins`)
  else warn(`[reset] Failed to remove rules with ${restore}: ${stderr.trim()}`)
}
