import type { Disk } from '../../world/world.ts'
import { type Check, errorOf, type Finding, fine, warningOf } from './check.ts'

/** What the hardware and the system must be. */
const leastCpus = 2
const leastMegabytes = 1700

export const numCpu: Check = {
  name: 'NumCPU',
  async run({ world: { machine } }) {
    if (machine.cpus >= leastCpus) return fine
    return errorOf(
      `the number of available CPUs ${machine.cpus} is less than the required ${leastCpus}`,
      'give the host another CPU; a control plane for trying things out runs with one',
    )
  },
}

export const memory: Check = {
  name: 'Mem',
  async run({ world: { machine } }) {
    const megabytes = Math.floor(machine.memoryBytes / 1024 / 1024)
    if (megabytes >= leastMegabytes) return fine
    return errorOf(
      `the system RAM (${megabytes} MB) is less than the minimum ${leastMegabytes} MB`,
      'give the host more memory',
    )
  },
}

export const privilegedUser: Check = {
  name: 'IsPrivilegedUser',
  async run({ world: { machine } }) {
    return machine.userId === 0 ? fine : errorOf('user is not running as root', 'run it as root, e.g. with sudo')
  },
}

export const swap: Check = {
  name: 'Swap',
  async run({ world: { disk } }) {
    if (!(await swapIsOn(disk))) return fine
    return warningOf(
      'swap is supported for cgroup v2 only. The kubelet must be properly configured to use swap. Please refer to https://kubernetes.io/docs/concepts/architecture/nodes/#swap-memory, or disable swap on the node',
      'swapoff -a, and comment the line of swap in /etc/fstab',
    )
  },
}

/** Below the heading there is a line for each place that memory is swapped to. */
export async function swapIsOn(disk: Pick<Disk, 'read'>): Promise<boolean> {
  const swaps = (await disk.read('/proc/swaps')) ?? ''
  return swaps.split('\n').filter((line) => line.trim() !== '').length > 1
}

/** Oldest kernel that kubelets of v1.36 run on. */
const leastKernel = [4, 19] as const
const requiredCgroups = ['cpu', 'cpuset', 'memory', 'pids'] as const

/** Kernel and control groups. Options of the kernel's build are not looked at: the simulated runtime needs none. */
export const systemVerification: Check = {
  name: 'SystemVerification',
  async run({ world: { disk } }) {
    const release = (await disk.read('/proc/sys/kernel/osrelease'))?.trim()
    const findings: Finding[] = []
    const [major = 0, minor = 0] = (release ?? '').split('.').map((part) => Number.parseInt(part, 10))
    if (release === undefined) findings.push(...warningOf('the release of the kernel cannot be read'))
    else if (major < leastKernel[0] || (major === leastKernel[0] && minor < leastKernel[1]))
      findings.push(
        ...errorOf(`unsupported kernel release: ${release}`, `install a kernel from ${leastKernel.join('.')} on`),
      )
    const controllers = await disk.read('/sys/fs/cgroup/cgroup.controllers').catch(() => undefined)
    if (controllers === undefined)
      return [
        ...findings,
        ...warningOf(
          'cgroups v1 support is in maintenance mode, please migrate to cgroups v2',
          'boot with systemd.unified_cgroup_hierarchy=1',
        ),
      ]
    const missing = requiredCgroups.filter((name) => !controllers.trim().split(/\s+/).includes(name))
    if (missing.length > 0)
      findings.push(...errorOf(`missing required cgroups: ${missing.join(' ')}`, 'let the host have these controllers'))
    return findings
  },
}

/** Time that cannot be: certificates made now would hold for nobody. */
export const clock: Check = {
  name: 'Clock',
  async run({ world }) {
    const now = world.clock.now()
    if (now >= Date.UTC(2024, 0, 1)) return fine
    return errorOf(
      `the clock of this host says ${new Date(now).toISOString()}, which is long past`,
      'set it, e.g. with chronyd or "timedatectl set-ntp true": certificates that are made now would not hold',
    )
  },
}

/** Whether the host is called what it can be called, and is found by it. */
export function hostname(nodeName: string): Check {
  return {
    name: 'Hostname',
    async run({ world }) {
      if (namesIn(await world.disk.read('/etc/hosts').catch(() => undefined)).has(nodeName)) return fine
      // Of any family: asked for one alone, a resolver waits for a server of names to say that there is none.
      const asked = world.exec.run('getent', ['ahosts', nodeName], { timeoutMs: 2000 })
      const found = await asked.catch(() => undefined)
      if (found === undefined || found.code === 0) return fine
      const mend = `add a line "ADDRESS ${nodeName}" to /etc/hosts, or a record to the DNS`
      return [
        ...warningOf(`hostname ${JSON.stringify(nodeName)} could not be reached`),
        ...warningOf(`hostname ${JSON.stringify(nodeName)}: lookup ${nodeName}: no such host`, mend),
      ]
    },
  }
}

/** The names of a table of hosts. */
function namesIn(table = ''): ReadonlySet<string> {
  return new Set(table.split('\n').flatMap((line) => line.replace(/#.*/, '').trim().split(/\s+/).slice(1)))
}
