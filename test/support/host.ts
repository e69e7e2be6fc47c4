/** One host of a test: its namespaces, its file tree, and the programs that run on it. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { appendFile, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pidOfChild } from './host-leftovers.ts'
import { bridgeOf, deleteLink, ip, linkOf } from './host-network.ts'
import { root } from './sources.ts'

/** What a command said, and how it ended. */
export interface Ran {
  /** Absent when a signal ended it. */
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  /** Then it is killed. Default: two minutes. */
  readonly timeoutMs?: number
}

/** A program that goes on. */
export interface Started {
  /** What it has written so far, both kinds together. */
  readonly output: string
  readonly exited: Promise<number | undefined>
  kill(signal?: NodeJS.Signals): Promise<void>
}

/** What a host has for itself; everything else it shares with the machine. */
const ownFolders = [
  '/etc/kubernetes',
  '/etc/cni',
  '/etc/etcd',
  '/var/lib/etcd',
  '/var/lib/kubelet',
  '/var/lib/coracle',
  '/var/log/pods',
  '/var/log/coracle',
  '/var/log/coracle',
  '/run/coracle',
] as const
const ownFiles = ['/etc/hosts', '/etc/hostname', '/etc/machine-id'] as const

interface HostOptions {
  readonly name: string
  readonly subnet: number
  readonly number: number
  readonly folder: string
  /** What runs the program. */
  readonly node: readonly string[]
}

export class Host {
  readonly name: string
  readonly address: string
  /** Where what is its own lies on the machine. */
  readonly folder: string
  readonly #options: HostOptions
  readonly #children = new Set<ChildProcess>()
  #first: ChildProcess | undefined

  constructor(options: HostOptions) {
    this.#options = options
    this.name = options.name
    this.folder = options.folder
    this.address = `10.${options.subnet}.0.${options.number}`
  }

  get isUp(): boolean {
    return this.#first !== undefined
  }

  /** Makes the file tree. */
  async prepare(hosts: string): Promise<void> {
    for (const folder of ownFolders) {
      await mkdir(this.folder + folder, { recursive: true })
      // A place to put it.
      mkdirSync(folder, { recursive: true })
    }
    await mkdir(join(this.folder, 'bin'), { recursive: true })
    await mkdir(join(this.folder, 'root/.kube'), { recursive: true })
    const contents = [hosts, `${this.name}\n`, `${'0'.repeat(29)}${String(this.#options.number).padStart(3, '0')}\n`]
    for (const [at, path] of ownFiles.entries()) {
      if (!existsSync(path)) writeFileSync(path, '')
      await mkdir(dirname(this.folder + path), { recursive: true })
      await writeFile(this.folder + path, contents[at]!)
    }
    const words = this.#options.node.map((word) => `'${word}'`).join(' ')
    await writeFile(join(this.folder, 'bin/coracle'), `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 })
    await symlink(kubectl, join(this.folder, 'bin/kubectl'))
  }

  /** Starts the host. Nothing runs on it yet but what it is made of. */
  async boot(): Promise<void> {
    const { subnet, number } = this.#options
    // What is on /run does not survive a start.
    await rm(`${this.folder}/run/coracle`, { recursive: true, force: true })
    await mkdir(`${this.folder}/run/coracle`, { recursive: true })
    const bind = (path: string) => `mount --bind '${this.folder}${path}' '${path}'`
    const script = [
      'set -e',
      'mount --make-rprivate /',
      'mount -t proc proc /proc',
      ...[...ownFolders, ...ownFiles].map(bind),
      `hostname '${this.name}'`,
      'ip link set lo up',
      'echo up',
      // It adopts what loses its parent.
      'trap : TERM INT; while :; do sleep 1000 & wait; done',
    ].join('\n')
    const first = spawn(
      'unshare',
      ['--mount', '--uts', '--net', '--pid', '--fork', '--kill-child', 'bash', '-c', script],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
        detached: true,
      },
    )
    await new Promise<void>((resolve, reject) => {
      first.stdout!.once('data', () => resolve())
      first.once('exit', () => reject(new Error(`host ${this.name} did not start`)))
    })
    first.unref()
    ;(first.stdout as unknown as { unref?: () => void }).unref?.()
    this.#first = first
    writeFileSync(join(this.folder, 'pid'), String(first.pid))
    const outside = this.#link
    deleteLink(outside)
    // The kernel takes its time to clear away what a host that is off had.
    if (existsSync(`/sys/class/net/${outside}`)) ip('link', 'del', outside)
    ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(this.#pid))
    ip('link', 'set', outside, 'master', bridgeOf(subnet), 'up')
    this.#inside('ip', 'addr', 'add', `10.${subnet}.0.${number}/24`, 'dev', 'eth0')
    this.#inside('ip', 'link', 'set', 'eth0', 'up')
    this.#inside('ip', 'route', 'add', 'default', 'via', `10.${subnet}.0.254`)
  }

  /** Power cut: every process is gone, what is on disk stays. */
  kill(): void {
    const first = this.#first
    if (!first) return
    this.#first = undefined
    try {
      process.kill(pidOfChild(first.pid!) ?? first.pid!, 'SIGKILL')
      process.kill(first.pid!, 'SIGKILL')
    } catch {
      // It is gone already.
    }
    this.#wake()
    deleteLink(this.#link)
  }

  /** All processes stand still, as when a hypervisor stops a machine. */
  pause(): void {
    this.#signalAll('SIGSTOP')
  }

  resume(): void {
    this.#signalAll('SIGCONT')
    this.#wake()
  }

  /** `nsenter` stands still when what it has started does, and would stay so. */
  #wake(): void {
    for (const child of this.#children) child.kill('SIGCONT')
  }

  /** Gives a folder a file system of its own of this size; what is in it is hidden. Before anything uses it. */
  limitDisk(path: string, megabytes: number): void {
    this.#inside('mount', '-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path)
  }

  /** Runs a program to its end. */
  async run(command: string, args: readonly string[] = [], options: RunOptions = {}): Promise<Ran> {
    const child = this.#spawn(command, args, options.env, 'pipe')
    const timer = setTimeout(() => killTree(child), options.timeoutMs ?? 120_000)
    child.stdin!.on('error', () => {})
    child.stdin!.end(options.input)
    const ended = new Promise<number | undefined>((resolve) =>
      child.once('close', (code) => resolve(code ?? undefined)),
    )
    const [code, stdout, stderr] = await Promise.all([ended, text(child.stdout!), text(child.stderr!)])
    clearTimeout(timer)
    return { code, stdout, stderr }
  }

  /** A line of shell. */
  sh(script: string, options?: RunOptions): Promise<Ran> {
    return this.run('sh', ['-c', script], options)
  }

  /** Starts a program that goes on. */
  start(command: string, args: readonly string[] = [], env?: Readonly<Record<string, string>>): Started {
    const child = this.#spawn(command, args, env, 'ignore')
    let output = ''
    for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk) => (output += chunk))
    const exited = new Promise<number | undefined>((resolve) =>
      child.once('exit', (code) => resolve(code ?? undefined)),
    )
    return {
      get output() {
        return output
      },
      exited,
      async kill(signal = 'SIGKILL') {
        killTree(child, signal)
        await exited
      },
    }
  }

  /** The program. */
  coracle(...args: string[]): Promise<Ran> {
    return this.run('coracle', args)
  }

  /** As the administrator: with `/etc/kubernetes/admin.conf`. Gives what it prints; fails when it does. */
  async kubectl(...args: string[]): Promise<string> {
    return printed(`kubectl ${args.join(' ')}`, await this.tryKubectl(...args))
  }

  tryKubectl(...args: string[]): Promise<Ran> {
    return this.run('kubectl', args, { env: { KUBECONFIG: '/etc/kubernetes/admin.conf' } })
  }

  /** With the certificates that kubeadm uses for health checks, where there are some. */
  async etcdctl(...args: string[]): Promise<string> {
    const pki = '/etc/kubernetes/pki/etcd'
    const tls = existsSync(`${this.folder}${pki}/healthcheck-client.crt`)
      ? [
          '--endpoints=https://127.0.0.1:2379',
          `--cacert=${pki}/ca.crt`,
          `--cert=${pki}/healthcheck-client.crt`,
          `--key=${pki}/healthcheck-client.key`,
        ]
      : []
    return printed(
      `etcdctl ${args.join(' ')}`,
      await this.run('etcdctl', [...tls, ...args], { env: { ETCDCTL_API: '3' } }),
    )
  }

  read(path: string): Promise<string> {
    return readFile(this.folder + path, 'utf8')
  }

  async write(path: string, content: string, mode = 0o644): Promise<void> {
    await mkdir(dirname(this.folder + path), { recursive: true })
    await writeFile(this.folder + path, content, { mode })
  }

  append(path: string, content: string): Promise<void> {
    return appendFile(this.folder + path, content)
  }

  /** Command lines of what runs, with the machine's process ids. */
  processes(): { readonly pid: number; readonly args: readonly string[] }[] {
    return this.#pids().flatMap((pid) => {
      try {
        return { pid, args: readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean) }
      } catch {
        return []
      }
    })
  }

  /** Ends those of which a word of the command line is `word` (`etcd`, `kube-apiserver`). Gives how many. */
  killAll(word: string, signal: NodeJS.Signals = 'SIGKILL'): number {
    const found = this.processes().filter(({ args }) =>
      args.slice(0, 8).some((arg) => arg === word || arg.endsWith(`/${word}`)),
    )
    for (const { pid } of found) process.kill(pid, signal)
    return found.length
  }

  /** Packets to the address go to a card that nobody has. */
  lose(address: string): void {
    this.#inside('ip', 'neigh', 'replace', address, 'lladdr', '02:00:00:00:00:fe', 'nud', 'permanent', 'dev', 'eth0')
  }

  find(address: string): void {
    if (address === this.address) return
    try {
      this.#inside('ip', 'neigh', 'del', address, 'dev', 'eth0')
    } catch {
      // It was never lost.
    }
  }

  unplug(): void {
    ip('link', 'set', this.#link, 'nomaster')
  }

  plug(): void {
    ip('link', 'set', this.#link, 'master', bridgeOf(this.#options.subnet))
  }

  get #link(): string {
    return linkOf(this.#options.subnet, this.#options.number)
  }

  /** Of the first process inside, by which its namespaces are found. */
  get #pid(): number {
    if (!this.#first) throw new Error(`host ${this.name} is off`)
    const pid = pidOfChild(this.#first.pid!)
    if (pid === undefined) throw new Error(`host ${this.name} has ended`)
    return pid
  }

  #enter(): string[] {
    return ['--target', String(this.#pid), '--mount', '--uts', '--net', '--pid', '--']
  }

  #inside(...command: string[]): void {
    execFileSync('nsenter', [...this.#enter(), ...command], { stdio: ['ignore', 'ignore', 'pipe'] })
  }

  #spawn(
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    stdin: 'pipe' | 'ignore',
  ): ChildProcess {
    const child = spawn('nsenter', [...this.#enter(), command, ...args], {
      cwd: '/',
      stdio: [stdin, 'pipe', 'pipe'],
      env: { ...this.#environment(), ...env },
    })
    this.#children.add(child)
    child.once('exit', () => this.#children.delete(child))
    return child
  }

  #environment(): Record<string, string> {
    return {
      PATH: `${this.folder}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
      HOME: join(this.folder, 'root'),
      LANG: 'C.UTF-8',
    }
  }

  #pids(): number[] {
    const own = readlinkSync(`/proc/${this.#pid}/ns/pid`)
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => {
        try {
          return readlinkSync(`/proc/${pid}/ns/pid`) === own
        } catch {
          return false
        }
      })
  }

  #signalAll(signal: NodeJS.Signals): void {
    // The first process inside does nothing, and what is inside cannot stop it.
    for (const pid of this.#pids()) {
      try {
        process.kill(pid, signal)
      } catch {
        // It has ended meanwhile.
      }
    }
  }
}

/** What a program and those that it starts must have in their environment to find the clock shifted (not those in Go). */
export const clockShiftedBy = (ms: number): Readonly<Record<string, string>> => ({
  LD_PRELOAD: '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  FAKETIME: `${ms < 0 ? '' : '+'}${ms / 1000}`,
  FAKETIME_DONT_FAKE_MONOTONIC: '1',
})

const kubectl = ['/usr/lib/google-cloud-sdk/bin/kubectl.1.33', join(root, '.cache/kubectl-1.20/usr/bin/kubectl')].find(
  (path) => existsSync(path),
)!

function printed(what: string, { code, stdout, stderr }: Ran): string {
  if (code !== 0) throw new Error(`${what}: ${code}\n${stderr}${stdout}`)
  return stdout.trimEnd()
}

function killTree(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): void {
  const inner = pidOfChild(child.pid!)
  try {
    if (inner !== undefined) process.kill(inner, signal)
    else child.kill(signal)
  } catch {
    // It has ended meanwhile.
  }
}
