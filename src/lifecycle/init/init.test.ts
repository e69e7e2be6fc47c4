import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parse } from 'yaml'
import { VirtualHost } from '../../world/virtual-host.ts'
import { initSettings, readDocuments } from '../config/read.ts'
import { runPhases } from '../phase.ts'
import { InitData } from './data.ts'
import { removeLeftovers } from './leftovers.ts'
import { lockHost } from './lock.ts'
import { runningAgent, writeAgentFiles } from './node-agent.ts'
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
    await world.disk.write('/run/coracle/lifecycle.lock', '4711 12345 init\n')
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
  for (const name of ['ca.crt', 'ca.key.4711.tmp', 'ca.key.1.tmp']) await world.disk.write(`/pki/${name}`, 'x')
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
