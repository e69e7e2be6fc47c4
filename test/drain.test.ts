import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readRoom } from '../src/cluster/room.ts'
import { Deployment, Job, Node, Pod, PodDisruptionBudget } from '../src/index.ts'
import { drain } from '../src/lifecycle/drain/drain.ts'
import type { DrainOptions, DrainTools } from '../src/lifecycle/drain/options.ts'
import { planDrain } from '../src/lifecycle/drain/plan.ts'
import { linesOfPlan } from '../src/lifecycle/drain/plan-lines.ts'
import { type VirtualCluster, virtualCluster } from './support/virtual-cluster.ts'

const namespace = 'default'

const usual: DrainOptions = {
  force: false,
  ignoreDaemonSets: true,
  deleteEmptyDirData: false,
  disableEviction: false,
  dryRun: 'none',
  podSelector: '',
  skipWaitForDeleteTimeoutSeconds: 0,
  timeoutMs: 0,
  chunkSize: 2,
  surge: false,
}

/** Three nodes, and somebody who maintains them. */
class Scene implements AsyncDisposable {
  readonly at: VirtualCluster
  readonly said: string[] = []
  readonly complained: string[] = []
  readonly #interruption = new AbortController()
  #running: Promise<boolean> | undefined

  static async set(): Promise<Scene> {
    return new Scene(await virtualCluster({ nodes: 3 }))
  }

  private constructor(at: VirtualCluster) {
    this.at = at
  }

  get client() {
    return this.at.cluster.client
  }

  get tools(): DrainTools {
    return {
      client: this.client,
      clock: this.at.world.clock,
      print: (line) => void this.said.push(line),
      printError: (line) => void this.complained.push(line),
      signal: this.#interruption.signal,
    }
  }

  async deploy(name: string, replicas: number, spec: object = {}, template: object = {}): Promise<void> {
    await this.client.create(Deployment, {
      metadata: { name, namespace },
      spec: {
        replicas,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name }, ...template },
          spec: { containers: [{ name: 'main', image: name, ...spec }] },
        },
      },
    })
    await this.at.cluster.settle()
  }

  async budget(name: string, spec: object, app = name): Promise<void> {
    const selector = { matchLabels: { app } }
    await this.client.create(PodDisruptionBudget, { metadata: { name, namespace }, spec: { selector, ...spec } })
    await this.at.cluster.settle()
  }

  async cordon(...names: string[]): Promise<void> {
    for (const node of (await this.client.list(Node)).items) {
      const body = { spec: { unschedulable: names.includes(node.metadata.name!) || null } }
      await this.client.patch(Node, { name: node.metadata.name! }, { type: 'merge', body })
    }
    await this.at.cluster.settle()
  }

  async nodes(...names: string[]): Promise<readonly Node[]> {
    return Promise.all(names.map((name) => this.client.get(Node, { name })))
  }

  async plan(names: readonly string[], options: Partial<DrainOptions> = {}): Promise<string> {
    const chosen = { ...usual, ...options }
    const plan = await planDrain(await this.nodes(...names), chosen, this.tools, await readRoom(this.client))
    return linesOfPlan(plan, chosen).join('\n')
  }

  /** Begins a drain; `false` from `ended` is one that failed. */
  async drain(names: readonly string[], options: Partial<DrainOptions> = {}): Promise<void> {
    this.#running = drain(await this.nodes(...names), { ...usual, ...options }, this.tools)
    this.#running.catch(() => {})
    await this.pass(0)
  }

  get ended(): Promise<boolean> {
    return this.#running!
  }

  interrupt(): void {
    this.#interruption.abort()
  }

  async pass(seconds: number): Promise<void> {
    await this.at.cluster.advance(seconds * 1000)
    await this.at.cluster.settle()
  }

  /** Where the ready pods of a Deployment are. */
  async running(app: string): Promise<string[]> {
    const { items } = await this.client.list(Pod, { namespace, labelSelector: `app=${app}` })
    return items
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .filter(({ status }) => status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'))
      .map(({ spec }) => spec.nodeName!)
      .sort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#interruption.abort()
    await this.at[Symbol.asyncDispose]()
  }
}

describe('The plan of a drain', () => {
  it('says which pods go, who runs them, and where each would fit', async () => {
    await using scene = await Scene.set()
    await scene.cordon('node-2', 'node-3')
    await scene.deploy('web', 2)
    await scene.cordon('node-2')
    assert.match(
      await scene.plan(['node-1']),
      /^Plan: drain node-1\n {2}NODE +POD +RUN BY +WOULD FIT ON\n( {2}node-1 +default\/web-\S+ +deployment\/web +node-3\n){2} {2}node-1: 2 pods to go, 0 to stay$/,
    )
  })

  it('says who has no room, and what would make some', async () => {
    await using scene = await Scene.set()
    const nodes = (await scene.client.list(Node)).items
    const cpus = Number(nodes[0]!.status!.allocatable!['cpu'])
    // Each takes more than half a node: there is room for one on each.
    const resources = { requests: { cpu: String(Math.ceil(cpus / 2 + 1)) } }
    await scene.deploy('big', 3, { resources })
    const plan = await scene.plan(['node-1'])
    assert.match(plan, /^ {2}node-1 +default\/big-\S+ +deployment\/big +no node$/m)
    assert.match(plan, /^ {2}No room: default\/big-\S+: Insufficient cpu\n {4}Would help: for node-[23]: .*cpu/m)
  })

  it('says what is refused, and which flags would help', async () => {
    await using scene = await Scene.set()
    const containers = [{ name: 'main', image: 'nginx' }]
    const metadata = { name: 'alone', namespace }
    const volumes = [{ name: 'tmp', emptyDir: {} }]
    await scene.client.create(Pod, { metadata, spec: { nodeName: 'node-1', containers, volumes } })
    await scene.at.cluster.settle()
    assert.match(
      await scene.plan(['node-1']),
      /Refused: cannot delete Pods with local storage \(use --delete-emptydir-data to override\): default\/alone\n +Would help: add --delete-emptydir-data$/,
    )
    assert.match(await scene.plan(['node-1'], { deleteEmptyDirData: true }), /Would help: add --force$/)
    assert.match(
      await scene.plan(['node-1'], { deleteEmptyDirData: true, force: true }),
      /default\/alone +nobody +is not made again/,
    )
  })

  it('says of a budget whose pods cannot be counted why that is', async () => {
    await using scene = await Scene.set()
    const containers = [{ name: 'main', image: 'work' }]
    await scene.client.create(Job, {
      metadata: { name: 'work', namespace },
      spec: {
        template: {
          metadata: { labels: { app: 'work' }, annotations: { 'simulation.coracle.dev/exit-after': '1h' } },
          spec: { restartPolicy: 'Never', nodeName: 'node-1', containers },
        },
      },
    })
    await scene.at.cluster.settle()
    await scene.pass(5)
    await scene.budget('work', { maxUnavailable: 1 })
    const plan = await scene.plan(['node-1'])
    assert.match(plan, /Blocked: pdb default\/work: .*: jobs\.batch does not implement the scale subresource/)
    const relief = /kubectl patch pdb work -n default -p '(\S+)'/.exec(plan)![1]!
    await scene.client.patch(
      PodDisruptionBudget,
      { namespace, name: 'work' },
      { type: 'merge', body: JSON.parse(relief) },
    )
    await scene.at.cluster.settle()
    assert.match(await scene.plan(['node-1']), /Blocked: pdb default\/work: it needs 1 healthy pod and has 1 of 1/)
  })

  /** The budget, how many replicas there are, what the plan says of it. */
  const budgets: readonly (readonly [object, number, RegExp, RegExp?])[] = [
    [{ minAvailable: 1 }, 3, /Slow: pdb default\/web lets 2 go at a time, .*: web-\S+, web-\S+, web-\S+$/m],
    [{ maxUnavailable: 3 }, 3, /Allowed: pdb default\/web lets all 3 go at once/],
    [
      { minAvailable: 3 },
      3,
      /Blocked: pdb default\/web: it needs 3 healthy pods and has 3 of 3/,
      /kubectl scale deployment\/web -n default --replicas=4 \(1 more\)\n.*kubectl patch pdb web -n default -p '{"spec":{"minAvailable":2}}'/,
    ],
    [
      { minAvailable: '80%' },
      3,
      /Blocked: .* needs 3 healthy pods and has 3 of 3/,
      /--replicas=5 \(2 more\)\n.*'{"spec":{"minAvailable":2}}'/,
    ],
    [
      { maxUnavailable: 0 },
      2,
      /Blocked: .* needs 2 healthy pods/,
      /^ {2}Blocked: .*\n +Would help: kubectl patch pdb web -n default -p '{"spec":{"maxUnavailable":1}}'$/m,
    ],
    [{ minAvailable: 1 }, 1, /Blocked: .* needs 1 healthy pod and has 1 of 1/, /Would help: add --surge\n/],
  ]
  for (const [spec, replicas, expected, help] of budgets)
    it(`says what a budget of ${JSON.stringify(spec)} means for ${replicas} pods`, async () => {
      await using scene = await Scene.set()
      await scene.cordon('node-2', 'node-3')
      await scene.deploy('web', replicas)
      await scene.cordon()
      await scene.budget('web', spec)
      const plan = await scene.plan(['node-1'])
      assert.match(plan, expected)
      if (help) assert.match(plan, help)
      // It is as it says: what is done first decides whether the eviction is granted.
      const scaled = /--replicas=(\d)/.exec(plan)
      if (!scaled) return
      const body = { spec: { replicas: Number(scaled[1]) } }
      await scene.client.patch(Deployment, { namespace, name: 'web' }, { type: 'merge', body })
      await scene.at.cluster.settle()
      assert.match(await scene.plan(['node-1']), /(Slow|Allowed): pdb/)
    })

  it('says that two budgets for one pod are one too many', async () => {
    await using scene = await Scene.set()
    await scene.cordon('node-2', 'node-3')
    await scene.deploy('web', 2)
    await scene.budget('first', { minAvailable: 0 }, 'web')
    await scene.budget('second', { minAvailable: 0 }, 'web')
    await scene.cordon()
    assert.match(
      await scene.plan(['node-1']),
      /Blocked: pdb default\/first and pdb default\/second: 2 budgets select the same pods.*\n +Would help: .*delete pdb\/second/,
    )
    await scene.drain(['node-1'])
    assert.equal(await scene.ended, false)
    assert.match(scene.complained.join('\n'), /This pod has more than one PodDisruptionBudget/)
  })

  it('says who would be evicted twice, were the nodes drained one by one', async () => {
    await using scene = await Scene.set()
    await scene.cordon('node-2', 'node-3')
    await scene.deploy('web', 4)
    await scene.cordon('node-3')
    // Of the other two only node-2 is open: that is where they would all go.
    const plan = await scene.plan(['node-1', 'node-2'])
    assert.equal([...plan.matchAll(/web-\S+ \(node-1, then node-2\)/g)].length, 4)
    assert.match(plan, /Together: all nodes are cordoned first\. One by one, these would be evicted again: /)
  })
})

describe('A drain', () => {
  it('evicts as many as a budget allows, and the others when their successors are ready', async () => {
    await using scene = await Scene.set()
    await scene.cordon('node-2', 'node-3')
    await scene.deploy('web', 3)
    await scene.cordon()
    await scene.budget('web', { maxUnavailable: 1 })
    await scene.drain(['node-1'])
    for (let seconds = 0; seconds < 60 && !scene.said.includes('node/node-1 drained'); seconds++) {
      await scene.pass(1)
      assert.ok((await scene.running('web')).length >= 2, 'the budget is kept')
    }
    assert.equal(await scene.ended, true)
    assert.equal(scene.said[0], 'node/node-1 cordoned')
    assert.equal(scene.said.filter((line) => /^pod\/web-\S+ evicted$/.test(line)).length, 3)
    assert.match(scene.complained[0]!, /\(will retry after 5s\): Cannot evict pod as it would violate/)
    assert.ok(!(await scene.running('web')).includes('node-1'))
  })

  it('that was interrupted goes on when it is run again', async () => {
    await using scene = await Scene.set()
    await scene.cordon('node-2', 'node-3')
    await scene.deploy('web', 2)
    await scene.cordon()
    await scene.budget('web', { minAvailable: 2 })
    await scene.drain(['node-1'])
    scene.interrupt()
    await assert.rejects(scene.ended)
    await scene.client.delete(PodDisruptionBudget, { namespace, name: 'web' })
    const tools = { ...scene.tools, signal: new AbortController().signal }
    const again = drain(await scene.nodes('node-1'), usual, tools)
    await scene.pass(60)
    assert.equal(await again, true)
    assert.ok(scene.said.includes('node/node-1 already cordoned'))
  })

  it('does not wait for pods of a dead node for longer than it was told to', async () => {
    await using scene = await Scene.set()
    await scene.cordon('node-2', 'node-3')
    await scene.deploy('web', 1)
    scene.at.cluster.nodes!.crash('node-1')
    await scene.drain(['node-1'], { skipWaitForDeleteTimeoutSeconds: 5 })
    // Its grace period is 30 seconds.
    await scene.pass(34)
    assert.ok(!scene.said.includes('node/node-1 drained'))
    await scene.pass(3)
    assert.equal(await scene.ended, true)
    assert.match(scene.said.at(-2)!, /^pod "web-\S+" has DeletionTimestamp older than 5 seconds, skipping$/)
  })

  it('with surge never leaves a single replica without a ready pod', async () => {
    await using scene = await Scene.set()
    await scene.cordon('node-2', 'node-3')
    await scene.deploy('single', 1, {}, { annotations: { 'simulation.coracle.dev/start-after': '20s' } })
    await scene.cordon()
    await scene.budget('single', { minAvailable: 1 })
    assert.match(
      await scene.plan(['node-1'], { surge: false }),
      /Interrupted: .* deployment\/single\n +Would help: add --surge/,
    )
    assert.doesNotMatch(await scene.plan(['node-1'], { surge: true }), /Interrupted/)
    await scene.drain(['node-1'], { surge: true })
    for (let seconds = 0; seconds < 120 && !scene.said.includes('node/node-1 drained'); seconds++) {
      assert.ok((await scene.running('single')).length >= 1, 'somebody serves')
      await scene.pass(1)
    }
    assert.equal(await scene.ended, true)
    assert.deepEqual(
      scene.said.filter((line) => line.startsWith('deployment')),
      ['deployment.apps/single surged', 'deployment.apps/single scaled back'],
    )
    await scene.pass(60)
    const deployment = await scene.client.get(Deployment, { namespace, name: 'single' })
    assert.equal(deployment.spec.replicas, 1)
    assert.equal(deployment.metadata.annotations?.['drain.coracle.dev/replicas-before-surge'], undefined)
    const [node, ...others] = await scene.running('single')
    assert.deepEqual(others, [])
    assert.match(node!, /node-[23]/)
  })

  it('with surge leaves all as it was when nobody gets ready in time', async () => {
    await using scene = await Scene.set()
    await scene.cordon('node-2', 'node-3')
    await scene.deploy('single', 1)
    await scene.drain(['node-1'], { surge: true, timeoutMs: 10_000 })
    await scene.pass(11)
    assert.equal(await scene.ended, false)
    assert.match(
      scene.complained.join('\n'),
      /error when surging deployments\/"single" -n "default": no other pod is ready: global timeout reached: 10s/,
    )
    const { spec } = await scene.client.get(Deployment, { namespace, name: 'single' })
    assert.equal(spec.replicas, 1)
    assert.deepEqual(await scene.running('single'), ['node-1'])
  })

  it('with surge takes back what an interrupted one left behind', async () => {
    await using scene = await Scene.set()
    await scene.cordon('node-2', 'node-3')
    await scene.deploy('single', 1)
    await scene.drain(['node-1'], { surge: true })
    await scene.pass(5)
    scene.interrupt()
    await assert.rejects(scene.ended)
    const left = await scene.client.get(Deployment, { namespace, name: 'single' })
    assert.equal(left.spec.replicas, 2)
    await scene.cordon('node-1')
    await scene.pass(60)
    const tools = { ...scene.tools, signal: new AbortController().signal }
    const again = drain(await scene.nodes('node-1'), { ...usual, surge: true }, tools)
    await scene.pass(60)
    assert.equal(await again, true)
    assert.equal((await scene.client.get(Deployment, { namespace, name: 'single' })).spec.replicas, 1)
    await scene.pass(60)
    assert.equal((await scene.running('single')).length, 1)
  })
})
