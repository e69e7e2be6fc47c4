/**
 * Several hosts with an etcd each, on loopback: a folder per host with manifests, data and what runs there. What the
 * node agent does for static pods is done by a small one here: a manifest that is there runs, one that is gone does not.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync, watch } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { freePort } from './etcd.ts'

export interface EtcdHost {
  readonly name: string
  readonly clientUrl: string
  readonly peerUrl: string
  /** What is `/etc/kubernetes` on a real host. */
  readonly kubernetesDir: string
  readonly dataDir: string
  readonly manifest: string
  /** Writes the manifest; the first members form the cluster, later ones join it. */
  putManifest(initialCluster: string, state?: 'new' | 'existing', more?: readonly string[]): Promise<void>
  /** Has the manifest, also one that is put later, start another etcd, as who edits its image does. */
  setProgram(path: string): Promise<void>
  /** Kills etcd, which then stays away. */
  powerOff(): Promise<void>
  /** Runs what the manifests say again. */
  powerOn(): Promise<void>
  /** Stops the process without its noticing, as a host does that is cut off or hangs; `false` lets it go on. */
  freeze(frozen: boolean): void
}

export class EtcdHosts implements AsyncDisposable {
  readonly folder: string
  readonly hosts: Host[] = []

  private constructor(folder: string) {
    this.folder = folder
  }

  /** A cluster of as many members, and a leader. `more` are further flags of etcd. */
  static async start(count: number, more: readonly string[] = []): Promise<EtcdHosts> {
    const all = new EtcdHosts(await mkdtemp(join(tmpdir(), 'coracle-etcd-hosts-')))
    try {
      for (let index = 1; index <= count; index++) await all.addHost(`m${index}`)
      const initial = all.hosts.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',')
      for (const host of all.hosts) await host.putManifest(initial, 'new', more)
      await Promise.all(all.hosts.map((host) => host.isWell()))
      return all
    } catch (error) {
      // Nobody else knows of them yet.
      await all[Symbol.asyncDispose]()
      throw error
    }
  }

  /** A host without etcd as yet. */
  async addHost(name: string, peerUrl?: string): Promise<Host> {
    const host = new Host(
      name,
      join(this.folder, `${name}-${this.hosts.length}`),
      `http://127.0.0.1:${await freePort()}`,
      peerUrl ?? `http://127.0.0.1:${await freePort()}`,
    )
    await host.prepare()
    this.hosts.push(host)
    return host
  }

  get endpoints(): string {
    return this.hosts.map(({ clientUrl }) => clientUrl).join(',')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.powerOff()))
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

class Host implements EtcdHost {
  readonly name: string
  readonly clientUrl: string
  readonly peerUrl: string
  readonly kubernetesDir: string
  readonly dataDir: string
  readonly manifest: string
  #child: ChildProcess | undefined
  #running = ''
  #stopWatching = () => {}
  #isOn = true
  #program = 'etcd'
  #turn: Promise<void> = Promise.resolve()

  constructor(name: string, folder: string, clientUrl: string, peerUrl: string) {
    this.name = name
    this.clientUrl = clientUrl
    this.peerUrl = peerUrl
    this.kubernetesDir = join(folder, 'kubernetes')
    this.dataDir = join(folder, 'etcd')
    this.manifest = join(this.kubernetesDir, 'manifests/etcd.yaml')
  }

  async prepare(): Promise<void> {
    await mkdir(join(this.kubernetesDir, 'manifests'), { recursive: true })
    await mkdir(join(this.kubernetesDir, 'tmp'), { recursive: true })
    await mkdir(this.dataDir, { recursive: true, mode: 0o700 })
    const watcher = watch(join(this.kubernetesDir, 'manifests'), () => this.#look())
    watcher.on('error', () => {})
    this.#stopWatching = () => watcher.close()
  }

  async putManifest(
    initialCluster: string,
    state: 'new' | 'existing' = 'new',
    more: readonly string[] = [],
  ): Promise<void> {
    const command = [
      this.#program,
      `--name=${this.name}`,
      `--data-dir=${this.dataDir}`,
      `--advertise-client-urls=${this.clientUrl}`,
      `--listen-client-urls=${this.clientUrl}`,
      `--listen-peer-urls=${this.peerUrl}`,
      `--initial-advertise-peer-urls=${this.peerUrl}`,
      `--initial-cluster=${initialCluster}`,
      `--initial-cluster-state=${state}`,
      '--heartbeat-interval=50',
      '--election-timeout=500',
      '--unsafe-no-fsync',
      '--logger=zap',
      '--log-level=error',
      ...more,
    ]
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'etcd' },
      spec: { containers: [{ name: 'etcd', command }] },
    }
    await writeFile(this.manifest, stringify(pod))
    this.#look()
  }

  async setProgram(path: string): Promise<void> {
    const before = this.#program
    this.#program = path
    if (!existsSync(this.manifest)) return
    const text = await readFile(this.manifest, 'utf8')
    await writeFile(this.manifest, text.replace(`- ${before}\n`, `- ${path}\n`))
    this.#look()
    await this.#turn
  }

  async powerOff(): Promise<void> {
    this.#isOn = false
    this.#stopWatching()
    this.#look()
    await this.#turn
  }

  async powerOn(): Promise<void> {
    this.#isOn = true
    await this.prepare()
    this.#look()
  }

  freeze(frozen: boolean): void {
    this.#child?.kill(frozen ? 'SIGSTOP' : 'SIGCONT')
  }

  /** Resolves when it says that it is healthy. */
  async isWell(): Promise<void> {
    for (let attempt = 0; attempt < 800; attempt++) {
      try {
        if ((await fetch(`${this.clientUrl}/health`)).ok) return
      } catch {
        // Not yet.
      }
      await new Promise((done) => setTimeout(done, 25))
    }
    throw new Error(`etcd of ${this.name} did not get healthy`)
  }

  #look(): void {
    this.#turn = this.#turn.then(() => this.#agree())
  }

  async #agree(): Promise<void> {
    const wanted = this.#isOn && existsSync(this.manifest) ? readFileSync(this.manifest, 'utf8') : ''
    if (wanted === this.#running) return
    await this.#stop()
    this.#running = wanted
    if (wanted !== '') this.#start(wanted)
  }

  #start(manifest: string): void {
    const pod = parse(manifest) as { spec: { containers: { command: string[] }[] } }
    const [program, ...args] = pod.spec.containers[0]!.command
    const child = spawn(program!, args, { stdio: 'ignore' })
    this.#child = child
    // What falls over is started again, as the node agent does.
    child.once('exit', () => {
      if (this.#child !== child) return
      this.#child = undefined
      setTimeout(() => {
        if (this.#running === manifest && this.#child === undefined) this.#start(manifest)
      }, 100)
    })
  }

  async #stop(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((done) => child.once('exit', done))
    child.kill('SIGKILL')
    await gone
  }
}
