import { EtcdClient } from '../../etcd/client.ts'
import { methods } from '../../etcd/messages.ts'
import type { HostWorld } from '../../world/world.ts'
import { LifecycleError } from '../failure.ts'
import { beganAt } from '../init/lock.ts'
import { findEtcd } from './access.ts'

export interface MemberTrust {
  readonly world: HostWorld
  /** The file of authorities that the member was started with: `/etc/kubernetes/pki/etcd/ca.crt`. */
  readonly bundle: string
  readonly kubernetesDir: string
  print(line: string): void
}

const patienceMs = 60_000
const lookMs = 100

/**
 * Sees to it that this host's etcd trusts whom its file of authorities names. Its certificates an etcd reads anew for
 * every connection, the authorities only when it starts: one that began before they changed is asked to end, and who
 * keeps it running starts it again. Resolves when it serves through its quorum; false: no etcd of this host names the file.
 * @throws LifecycleError when it does not come back
 */
export async function renewMemberTrust(trust: MemberTrust): Promise<boolean> {
  const { world, bundle, print } = trust
  const changedMs = (await world.disk.stat(bundle))?.modifiedMs ?? 0
  const old = await processesWith(trust)
  if (old.length === 0) return false
  if (old.every(({ beganMs }) => beganMs > changedMs)) return true
  print('[etcd] the member of this host is started anew: it reads its authorities only then')
  for (const { pid } of old) world.exec.signal(pid, 'SIGTERM')
  const giveUpAt = world.clock.monotonic() + patienceMs
  for (;;) {
    const now = await processesWith(trust)
    const isNew = now.length > 0 && now.every(({ pid }) => old.every((before) => before.pid !== pid))
    if (isNew && (await isWell(trust))) return true
    if (world.clock.monotonic() > giveUpAt)
      throw new LifecycleError(`etcd of this host has not come back within ${patienceMs / 1000} s`, {
        hint: 'its log is below /var/log/pods; the same step goes on from here when it is well',
      })
    // Who starts it anew is another process, and nobody tells when an etcd begins to serve.
    await world.clock.after(lookMs)
  }
}

interface Running {
  readonly pid: number
  /** By the wall clock. */
  readonly beganMs: number
}

async function processesWith({ world, bundle }: MemberTrust): Promise<readonly Running[]> {
  const found: Running[] = []
  for (const name of await world.disk.list('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const words = ((await world.disk.read(`/proc/${name}/cmdline`).catch(() => undefined)) ?? '').split('\0')
    const trusts = words.some((word, at) => `${word}=${words[at + 1]}`.includes(`-trusted-ca-file=${bundle}`))
    if (trusts) found.push({ pid: Number(name), beganMs: await beganMs(world, Number(name)) })
  }
  return found
}

/** The kernel counts hundredths of a second since it was started. */
async function beganMs(world: HostWorld, pid: number): Promise<number> {
  const uptime = Number(((await world.disk.read('/proc/uptime')) ?? '0').split(' ')[0])
  return world.clock.now() - uptime * 1000 + Number((await beganAt(world, pid)) ?? '0') * 10
}

async function isWell({ world, kubernetesDir }: MemberTrust): Promise<boolean> {
  const { endpoints, tls } = await findEtcd(world, { kubernetesDir })
  using client = new EtcdClient({
    endpoints: endpoints.slice(0, 1),
    ...(tls && { tls }),
    clock: world.clock,
    timeoutMs: 2000,
  })
  try {
    await client.read(methods.range, { key: 'health' })
    return true
  } catch {
    return false
  }
}
