import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parse } from 'yaml'
import { VirtualHost } from '../../world/virtual-host.ts'
import { timeoutsOf } from '../config/defaults.ts'
import { initSettings, readDocuments } from '../config/read.ts'
import type { LifecycleError } from '../failure.ts'
import { runPhases } from '../phase.ts'
import { InitData } from './data.ts'
import { waitForAgent, waitForControlPlane } from './health.ts'
import { removeLeftovers } from './leftovers.ts'
import { lockHost } from './lock.ts'
import { kubeletPidFile, runningAgent, writeAgentFiles } from './node-agent.ts'
import { insist } from './patient.ts'
import { initPhases } from './phases.ts'

async function dataOn(world: VirtualHost, text = '', uploadCerts = false) {
  const lines: string[] = []
  const print = (line: string) => void lines.push(line)
  const settings = await initSettings(readDocuments(text, print), { world, version: 'v1.36.2', warn: print })
  const data = new InitData(
    { world, env: {}, program: 'v1.36.2', print, warn: print },
    {
      settings,
      ignored: new Set(['all']),
      single: false,
      uploadCerts,
      skipTokenPrint: false,
      skipCertificateKeyPrint: false,
      patches: [],
    },
  )
  return { data, lines, print }
}

function host() {
  const world = new VirtualHost(7)
  world.exec.programs.set('etcd', async () => ({ stdout: 'etcd Version: 3.4.23\nGit SHA: x\n' }))
  return world
}

/** Everything that lies on the disk. */
async function filesBelow(world: VirtualHost, folder: string): Promise<readonly string[]> {
  const found = await Promise.all(
    (await world.disk.list(folder)).map(async (name) => {
      const path = `${folder}/${name}`
      return (await world.disk.stat(path))?.isFolder ? filesBelow(world, path) : [path]
    }),
  )
  return found.flat().sort()
}

describe('init', () => {
  test('a dry run says what would be done, and does nothing', async () => {
    const world = host()
    const { data, lines, print } = await dataOn(world, '', true)
    await runPhases(initPhases, data, { dryRun: true, print })
    assert.deepEqual(await filesBelow(world, '/etc'), [])
    for (const words of [
      '[certs] Would write /etc/kubernetes/pki/ca.crt and .key, unless they are there',
      '[kubeconfig] Would write /etc/kubernetes/admin.conf, unless it is there',
      '[control-plane] Would write /etc/kubernetes/manifests/kube-apiserver.yaml',
      '[kubelet-start] Would start the kubelet',
      '[upload-certs] Would store the certificates in Secret "kubeadm-certs"',
      '[mark-control-plane] Would mark the node host as control-plane',
      '[addons] Would apply essential addon: CoreDNS',
    ])
      assert.ok(lines.includes(words), words)
  })

  test('what lies on the disk before the agent starts, and that a second time changes nothing of it', async () => {
    const world = host()
    const { data, print } = await dataOn(world)
    const onDisk = initPhases.slice(1, 5)
    await runPhases(onDisk, data, { print })
    const files = await filesBelow(world, '/etc/kubernetes')
    assert.equal(files.filter((file) => file.endsWith('.crt')).length, 10)
    assert.deepEqual(
      files.filter((file) => file.includes('/manifests/')),
      ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map(
        (name) => `/etc/kubernetes/manifests/${name}.yaml`,
      ),
    )
    const before = await Promise.all(files.map((file) => world.disk.read(file)))
    const { data: again, lines, print: printAgain } = await dataOn(world)
    await runPhases(onDisk, again, { print: printAgain })
    assert.deepEqual(await Promise.all(files.map((file) => world.disk.read(file))), before)
    assert.ok(lines.includes('[certs] Using existing apiserver certificate and key on disk'))
  })

  test('an etcd of somebody else gets no manifest, and no certificates [PHS-07]', async () => {
    const world = host()
    const text = `apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
etcd: {external: {endpoints: ["http://e1:2379"], caFile: "", certFile: "", keyFile: ""}}
`
    const { data, print } = await dataOn(world, text)
    await runPhases(initPhases.slice(1, 5), data, { print })
    const files = await filesBelow(world, '/etc/kubernetes')
    assert.ok(files.every((file) => !file.includes('etcd')))
  })

  test('a phase that is left out is left out with its parts', async () => {
    const world = host()
    const { data, print } = await dataOn(world)
    await runPhases(initPhases.slice(1, 4), data, { print, skip: ['certs/front-proxy-client', 'etcd', 'kubeconfig'] })
    const files = await filesBelow(world, '/etc/kubernetes')
    assert.ok(!files.includes('/etc/kubernetes/pki/front-proxy-client.crt'))
    assert.ok(!files.includes('/etc/kubernetes/admin.conf'))
    assert.ok(files.includes('/etc/kubernetes/pki/front-proxy-ca.crt'))
  })

  test('where there is no etcd it says so', async () => {
    const { data, print } = await dataOn(new VirtualHost(7))
    await assert.rejects(runPhases(initPhases.slice(1, 4), data, { print }), /etcd not found in system path/)
  })
})

describe('the lock of a host', () => {
  test('lets one in at a time', async () => {
    const world = new VirtualHost(7)
    await using _ = await lockHost(world, 'init')
    const other = { ...world, exec: { ...world.exec, ownPid: 2, isAlive: () => true } } as unknown as VirtualHost
    Object.assign(other, { disk: world.disk })
    await assert.rejects(lockHost(other, 'join'), /another "coracle init" is running on this host \(process 1\)/)
  })

  test('is free again when its holder is done, or dead', async () => {
    const world = new VirtualHost(7)
    await (await lockHost(world, 'init'))[Symbol.asyncDispose]()
    await world.disk.write('/run/coracle/lifecycle.lock', '1 12345 init\n')
    await using held = await lockHost(world, 'join')
    assert.ok(held)
  })

  test('is not held by who was given the number of a dead one', async () => {
    const world = new VirtualHost(7)
    // Process 1 lives, and began at another time.
    await world.disk.write('/run/coracle/lifecycle.lock', '1 777 init\n')
    await using held = await lockHost(world, 'init')
    assert.ok(held)
  })
})

test('half-written files go with the processes that began them', async () => {
  const world = new VirtualHost(7)
  for (const name of ['ca.crt', 'ca.key.1.tmp', 'ca.key.1.tmp']) await world.disk.write(`/pki/${name}`, 'x')
  await removeLeftovers(world, '/pki')
  assert.deepEqual((await world.disk.list('/pki')).sort(), ['ca.crt', 'ca.key.1.tmp'])
})

describe('the files of the node agent [PHS-03]', () => {
  const files = async (world: VirtualHost, node: object, registersTaints: boolean) => {
    const { data } = await dataOn(world)
    await writeAgentFiles(
      world,
      {
        node: { ...data.init.nodeRegistration, ...node },
        configuration: data.options.settings.kubelet,
        registersTaints,
        patches: [],
      },
      () => {},
    )
    return {
      flags: await world.disk.read('/var/lib/kubelet/kubeadm-flags.env'),
      config: parse((await world.disk.read('/var/lib/kubelet/config.yaml'))!) as Record<string, unknown>,
    }
  }

  test('name the node where it is not called as its host, and its taints where it puts them on itself', async () => {
    const taints = [{ key: 'a', value: 'b', effect: 'NoSchedule' }]
    const { flags } = await files(host(), { name: 'w1', taints, kubeletExtraArgs: [{ name: 'v', value: '2' }] }, true)
    assert.equal(flags, 'KUBELET_KUBEADM_ARGS="--hostname-override=w1 --register-with-taints=a=b:NoSchedule --v=2"\n')
    const { flags: plain } = await files(host(), {}, false)
    assert.equal(plain, 'KUBELET_KUBEADM_ARGS=""\n')
  })

  test('say what kubeadm says', async () => {
    const { config } = await files(host(), {}, false)
    assert.deepEqual(config['clusterDNS'], ['10.96.0.10'])
    assert.equal(config['staticPodPath'], '/etc/kubernetes/manifests')
    assert.equal(config['rotateCertificates'], true)
    assert.deepEqual(config['authentication'], {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: '/etc/kubernetes/pki/ca.crt' },
    })
  })

  test('a number in the file is an agent only when the process is one', async () => {
    const world = host()
    await world.disk.write('/run/coracle/kubelet.pid', '1\n')
    await world.disk.write('/proc/1/cmdline', 'init\0')
    assert.equal(await runningAgent(world), undefined)
    await world.disk.write('/proc/1/cmdline', 'node\0coracle\0kubelet\0')
    assert.equal(await runningAgent(world), 1)
  })
})

describe('waiting for what was started [PHS-08]', () => {
  const kubeletUrl = 'http://127.0.0.1:10248/healthz'
  const urls = ['https://10.0.0.1:6443/livez', 'https://127.0.0.1:10257/healthz', 'https://127.0.0.1:10259/livez']
  const serve = (world: VirtualHost, url: string) =>
    world.network.serve(new URL(url).origin, async () => ({ status: 200, body: 'ok' }))
  const names = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler']
  const timeouts = timeoutsOf({ kubeletHealthCheck: '4m0s', controlPlaneComponentHealthCheck: '5m0s' })
  const endpoint = { advertiseAddress: '10.0.0.1', bindPort: 6443 }

  /** A host on which a process is the agent that it starts. */
  async function started() {
    const world = new VirtualHost(7)
    await world.disk.write(kubeletPidFile, '1\n')
    await world.disk.write('/proc/1/cmdline', ['coracle', 'kubelet', ''].join('\0'))
    return world
  }

  /** What comes of it, in as much time as it takes. */
  async function outcome(world: VirtualHost, work: Promise<void>): Promise<LifecycleError | undefined> {
    let ended = false
    const ending = work.then(
      () => undefined,
      (error: LifecycleError) => error,
    )
    void ending.then(() => {
      ended = true
    })
    while (!ended) await world.advance(1000)
    return ending
  }

  test('ends when the kubelet answers, and then the components', async () => {
    const world = await started()
    const lines: string[] = []
    const print = (line: string) => void lines.push(line)
    world.clock.timer(7000, () => void serve(world, kubeletUrl))
    assert.equal(await outcome(world, waitForAgent(world, timeouts, print)), undefined)
    assert.equal(lines[0], `[kubelet-check] Waiting for a healthy kubelet at ${kubeletUrl}. This can take up to 4m0s`)
    assert.match(lines[1]!, /^\[kubelet-check\] The kubelet is healthy after 7(\.\d+)?s$/)
    for (const url of urls) world.clock.timer(9000, () => void serve(world, url))
    assert.equal(await outcome(world, waitForControlPlane(world, endpoint, timeouts, print)), undefined)
    assert.equal(
      lines[2],
      '[control-plane-check] Waiting for healthy control plane components. This can take up to 5m0s',
    )
    assert.deepEqual(
      lines.slice(3, 6),
      urls.map((url, at) => `[control-plane-check] Checking ${names[at]} at ${url}`),
    )
    for (const name of names)
      assert.ok(
        lines.some((line) => line.startsWith(`[control-plane-check] ${name} is healthy after 9`)),
        name,
      )
  })

  test('ends with what to do when the time is over', async () => {
    const world = await started()
    await world.disk.write('/var/log/coracle/kubelet.log', 'first\nno such flag\n')
    const agent = await outcome(
      world,
      waitForAgent(world, timeouts, () => {}),
    )
    assert.match(agent!.message, /^the kubelet is not healthy at http:.*\n {4}first\n {4}no such flag$/s)
    assert.match(agent!.hint!, /its log is \/var\/log\/coracle\/kubelet\.log/)
    serve(world, urls[0]!)
    const began = world.clock.monotonic()
    const components = await outcome(
      world,
      waitForControlPlane(world, endpoint, timeouts, () => {}),
    )
    assert.ok(world.clock.monotonic() - began >= 300_000)
    assert.equal(
      components!.message,
      `could not initialize the control plane: kube-controller-manager check failed at ${urls[1]}; kube-scheduler check failed at ${urls[2]}`,
    )
    assert.match(components!.hint!, /logs are below \/var\/log\/pods/)
  })

  test('ends at once when the kubelet has ended', async () => {
    const world = await started()
    await world.disk.write('/proc/1/cmdline', '')
    const began = world.clock.monotonic()
    const failure = await outcome(
      world,
      waitForAgent(world, timeouts, () => {}),
    )
    assert.match(failure!.message, /^the kubelet has ended/)
    assert.ok(world.clock.monotonic() - began < 5000)
  })
})

test('insisting ends with success, with what waiting does not mend, or with time', async () => {
  const world = new VirtualHost(7)
  const patience = { clock: world.clock, timeout: '1s' }
  let tries = 0
  const third = insist(
    async () => (++tries === 3 ? 'done' : Promise.reject(new Error('later'))),
    () => true,
    patience,
  )
  await world.advance(200)
  assert.equal(await third, 'done')
  await assert.rejects(
    insist(
      async () => Promise.reject(new Error('never')),
      () => false,
      patience,
    ),
    /never/,
  )
  const late = insist(
    async () => Promise.reject(new Error('late')),
    () => true,
    patience,
  )
  late.catch(() => {})
  await world.advance(2000)
  await assert.rejects(late, /late/)
})
