import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import type { Client } from '../../client/client.ts'
import { ConfigMap } from '../../kinds/core/config-map.ts'
import { Pod } from '../../kinds/core/pod.ts'
import { ApiError } from '../../schema/status.ts'
import { VirtualHost } from '../../world/virtual-host.ts'
import { kubeadmConfigData, kubeletConfigData } from '../config/config-maps.ts'
import { initSettings, readDocuments } from '../config/read.ts'
import { InitData } from '../init/data.ts'
import { initPhases } from '../init/phases.ts'
import { controlPlaneComponents } from '../manifests/control-plane.ts'
import { manifestPath } from '../manifests/static-pod.ts'
import { runPhases } from '../phase.ts'
import { UpgradeData, type UpgradeOptions } from './data.ts'
import { endpointOf, nodeNameOf, readinessUrl } from './host.ts'
import { applyPhases, nodePhases } from './phases.ts'

const program = 'v1.36.2'
const kubernetes = '/etc/kubernetes'
const [controlPlane] = applyPhases.filter(({ name }) => name === 'control-plane')

const configuration = `
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.36.0
etcd: {external: {endpoints: ["http://e1:2379"], caFile: "", certFile: "", keyFile: ""}}
`

/** A control plane of v1.36.0 whose kubelet makes pods of manifests at once, and whose components are well, but for some. */
async function host(broken: readonly string[] = []) {
  const world = new VirtualHost(7)
  const lines: string[] = []
  const print = (line: string) => void lines.push(line)
  const tools = { world, env: {}, program, print, warn: print }
  const settings = await initSettings(readDocuments(configuration, print), { world, version: program, warn: print })
  const init = new InitData(tools, {
    settings,
    ignored: new Set(['all']),
    single: false,
    uploadCerts: false,
    skipTokenPrint: false,
    skipCertificateKeyPrint: false,
    patches: [],
  })
  await runPhases(initPhases.slice(1, 5), init, { print })
  lines.length = 0
  const ports = {
    'kube-apiserver': '10.0.0.1:6443',
    'kube-controller-manager': '127.0.0.1:10257',
    'kube-scheduler': '127.0.0.1:10259',
  }
  for (const [name, at] of Object.entries(ports))
    world.network.serve(`https://${at}`, async () => ({ status: broken.includes(name) ? 500 : 200, body: '' }))
  const podOf = async (name: string) => {
    const text = await world.disk.read(manifestPath(name.replace(/-host$/, '')))
    if (text === undefined) throw new ApiError('NotFound', `pods "${name}" not found`)
    const hash = createHash('md5').update(text).digest('hex')
    return { metadata: { name, annotations: { 'kubernetes.io/config.hash': hash } }, status: { phase: 'Running' } }
  }
  const maps: Readonly<Record<string, object>> = {
    'kubeadm-config': kubeadmConfigData(settings.cluster),
    'kubelet-config': kubeletConfigData({ ...settings.kubelet, maxPods: 42 }),
  }
  const client = {
    get: async (kind: unknown, { name }: { readonly name: string }) =>
      kind === Pod ? podOf(name) : kind === ConfigMap ? { data: maps[name] } : undefined,
    list: async () => ({ items: [{}] }),
    [Symbol.asyncDispose]: async () => {},
  } as unknown as Client & AsyncDisposable
  const options: UpgradeOptions = {
    version: program,
    dryRun: false,
    certificateRenewal: true,
    etcdUpgrade: true,
    force: false,
    allowExperimentalUpgrades: false,
    allowReleaseCandidateUpgrades: false,
    printConfig: false,
    ignored: new Set(['all']),
    patches: [],
    timeouts: {},
  }
  const upgrade = (more: Partial<UpgradeOptions> = {}) => new UpgradeData(tools, { ...options, ...more }, () => client)
  const manifests = () => Promise.all(controlPlaneComponents.map((each) => world.disk.read(manifestPath(each))))
  return { world, lines, print, upgrade, manifests }
}

const said = (lines: readonly string[], words: string) => lines.findIndex((line) => line.includes(words))

describe('the control plane of a host', () => {
  test('gets new manifests one after the other, and the old ones are kept', async () => {
    const { world, lines, print, upgrade, manifests } = await host()
    const before = await manifests()
    await runPhases([controlPlane!], upgrade(), { print })
    for (const text of await manifests()) assert.match(text!, /image: \S+:v1\.36\.2\n/)
    const order = controlPlaneComponents.flatMap((component) => [
      said(lines, `Preparing for "${component}" upgrade`),
      said(lines, `Moving new manifest to "${manifestPath(component)}"`),
      said(lines, `Component "${component}" upgraded successfully!`),
    ])
    assert.ok(
      order.every((at, index) => at > (order[index - 1] ?? -1)),
      lines.join('\n'),
    )
    const kept = await world.disk.list(`${kubernetes}/tmp`)
    assert.equal(kept.length, 1, kept.join())
    assert.match(kept[0]!, /^kubeadm-backup-manifests-\d{4}(-\d\d){5}$/)
    const backups = controlPlaneComponents.map((each) => world.disk.read(`${kubernetes}/tmp/${kept[0]}/${each}.yaml`))
    assert.deepEqual(await Promise.all(backups), before)
  })

  test('has its certificates renewed, unless that is not wanted', async () => {
    for (const certificateRenewal of [true, false]) {
      const { world, lines, print, upgrade } = await host()
      const files = ['pki/apiserver.crt', 'scheduler.conf', 'controller-manager.conf', 'admin.conf']
      const read = () => Promise.all(files.map((file) => world.disk.read(`${kubernetes}/${file}`)))
      const before = await read()
      await runPhases([controlPlane!], upgrade({ certificateRenewal }), { print })
      for (const [at, text] of (await read()).entries())
        assert.equal(text !== before[at], certificateRenewal, files[at])
      assert.equal(said(lines, 'Renewing scheduler.conf certificate') >= 0, certificateRenewal)
    }
  })

  test('is as it was when one component does not get ready', async () => {
    const { world, lines, print, upgrade, manifests } = await host(['kube-scheduler'])
    const before = await manifests()
    let failure: Error | undefined
    let isOver = false
    const work = runPhases([controlPlane!], upgrade({ timeouts: { upgradeManifests: '30s' } }), { print })
      .catch((error: Error) => {
        failure = error
      })
      .finally(() => {
        isOver = true
      })
    while (!isOver) await world.advance(1000)
    await work
    assert.match(
      failure!.message,
      /^couldn't upgrade control plane\. kubeadm has tried to recover everything into the earlier state\. Errors faced: component kube-scheduler on Node host is not ready at https:\/\/127\.0\.0\.1:10259\/readyz after 30s/,
    )
    assert.ok(said(lines, 'Component "kube-controller-manager" upgraded successfully!') >= 0)
    assert.deepEqual(await manifests(), before)
  })

  test('is left alone where nothing changes, comments included', async () => {
    const { world, lines, print, upgrade, manifests } = await host()
    const path = manifestPath('kube-scheduler')
    await world.disk.write(path, `# mine\n${await world.disk.read(path)}`)
    const before = await manifests()
    await runPhases([controlPlane!], upgrade({ version: 'v1.36.0' }), { print })
    assert.deepEqual(await manifests(), before)
    for (const component of controlPlaneComponents)
      assert.ok(said(lines, `Current and new manifests of ${component} are equal, skipping upgrade`) >= 0)
  })

  test('is only looked at in a dry run', async () => {
    const { world, lines, print, upgrade, manifests } = await host()
    const before = await manifests()
    await runPhases(applyPhases.slice(1, 6), upgrade({ dryRun: true }), { print, dryRun: true })
    assert.deepEqual(await manifests(), before)
    assert.deepEqual(await world.disk.list(`${kubernetes}/tmp`), [])
    assert.ok(said(lines, `[dryrun] Would write ${manifestPath('kube-apiserver')}`) > 0)
  })
})

test('on a worker there is the configuration of its kubelet, and nothing else', async () => {
  const { world, lines, print, upgrade } = await host()
  for (const component of controlPlaneComponents) await world.disk.remove(manifestPath(component))
  await world.disk.write('/var/lib/kubelet/instance-config.yaml', 'containerRuntimeEndpoint: unix:///run/x.sock\n')
  await world.disk.write('/var/lib/kubelet/config.yaml', 'maxPods: 7\n')
  await runPhases(nodePhases, upgrade(), { print })
  for (const line of [
    '[upgrade/preflight] Skipping prepull. Not a control plane node.',
    '[upgrade/control-plane] Skipping phase. Not a control plane node.',
    '[upgrade/kubeconfig] Skipping phase. Not a control plane node.',
    '[upgrade/addon] Skipping the addon/coredns phase. Not a control plane node.',
    '[upgrade/addon] Skipping the addon/kube-proxy phase. Not a control plane node.',
  ])
    assert.ok(lines.includes(line), `${line}\n${lines.join('\n')}`)
  const text = (await world.disk.read('/var/lib/kubelet/config.yaml'))!
  assert.match(text, /^maxPods: 42$/m)
  assert.match(text, /^containerRuntimeEndpoint: unix:\/\/\/run\/x\.sock$/m)
  const [folder] = await world.disk.list(`${kubernetes}/tmp`)
  assert.equal(await world.disk.read(`${kubernetes}/tmp/${folder}/config.yaml`), 'maxPods: 7\n')
})

describe('what a host says of itself', () => {
  test('its name stands in the certificate of its kubelet, its address in a manifest', async () => {
    const { world } = await host()
    assert.equal(await nodeNameOf(world.disk), 'host')
    assert.deepEqual(await endpointOf(world.disk), { advertiseAddress: '10.0.0.1', bindPort: 6443 })
    const path = manifestPath('kube-apiserver')
    const text = (await world.disk.read(path))!
    await world.disk.write(path, text.replace(/ {2}annotations:\n.*\n/, ''))
    assert.deepEqual(await endpointOf(world.disk), { advertiseAddress: '10.0.0.1', bindPort: 6443 })
    await world.disk.write(path, 'spec: {}\n')
    await assert.rejects(endpointOf(world.disk), /does not say where the API server of this host is reached/)
  })

  test('where a component answers, its probe says; one without a port says nothing', () => {
    const container = {
      command: ['kube-scheduler', '--v=2'],
      ports: [{ name: 'probe-port', containerPort: 10_259 }],
      readinessProbe: { httpGet: { host: '::1', path: '/readyz', port: 'probe-port', scheme: 'HTTPS' } },
    }
    assert.equal(readinessUrl({ spec: { containers: [container] } }), 'https://[::1]:10259/readyz')
    const silent = { ...container, command: ['kube-scheduler', '--secure-port=0'] }
    assert.equal(readinessUrl({ spec: { containers: [silent] } }), undefined)
  })
})
