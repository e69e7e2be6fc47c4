import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualHost } from '../../world/virtual-host.ts'
import { ComponentFlagError, readComponentFlags } from './flags.ts'
import { kubeletSettings } from './kubelet-configuration.ts'
import { kubeletFlags } from './kubelet-flags.ts'

const settingsOn = (world: VirtualHost, ...argv: string[]) =>
  kubeletSettings(readComponentFlags(argv, kubeletFlags), world)

const file = (settings: string) =>
  `apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n${settings}\n`

test('flags overrule the file, and the file what is usual', async () => {
  const world = new VirtualHost(7)
  await world.disk.write('/config.yaml', file('maxPods: 20\nhealthzPort: 1\nfileCheckFrequency: 0s'))
  const settings = await settingsOn(world, '--config=/config.yaml', '--healthz-port=2')
  assert.deepEqual([settings.maxPods, settings.healthz.port, settings.checkMs], [20, 2, 20_000])
})

test('swap is refused where that is asked for, by flag or file [HST-03]', async () => {
  const world = new VirtualHost(7)
  const refused = (error: unknown) =>
    error instanceof ComponentFlagError &&
    error.message === 'running with swap on is not supported, please disable swap or set --fail-swap-on flag to false'
  await world.disk.write('/config.yaml', file('failSwapOn: true'))
  await world.disk.write('/proc/swaps', 'Filename Type Size Used Priority\n')
  await settingsOn(world, '--config=/config.yaml')
  await world.disk.write('/proc/swaps', 'Filename Type Size Used Priority\n/dev/sda2 partition 8 0 -2\n')
  await assert.rejects(settingsOn(world, '--config=/config.yaml'), refused)
  await assert.rejects(settingsOn(world, '--fail-swap-on'), refused)
  await settingsOn(world, '--config=/config.yaml', '--fail-swap-on=false')
  await settingsOn(world)
})

test('a node has one address, or one of each family', async () => {
  const world = new VirtualHost(7)
  const addresses = async (given: string) => (await settingsOn(world, `--node-ip=${given}`)).addresses
  assert.deepEqual(await addresses('10.0.0.1'), ['10.0.0.1'])
  assert.deepEqual(await addresses('fd00::1,10.0.0.1'), ['fd00::1', '10.0.0.1'])
  const message = /must contain either a single IP or a dual-stack pair of IPs$/
  for (const wrong of ['10.0.0.1,10.0.0.2', 'here', 'fd00::1,10.0.0.1,10.0.0.2'])
    await assert.rejects(addresses(wrong), { message })
})
