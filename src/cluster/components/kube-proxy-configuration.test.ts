import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualHost } from '../../world/virtual-host.ts'
import { ComponentFlagError, readComponentFlags } from './flags.ts'
import { kubeProxy } from './kube-proxy.ts'
import { proxySettings } from './kube-proxy-configuration.ts'

/** What the kernel is told where the file says that, or where there is none and flags do. */
async function kernelOf(settings: string | undefined, ...argv: string[]) {
  const world = new VirtualHost(7)
  const text = `apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n${settings}\n`
  await world.disk.write('/config.yaml', `${text}clientConnection: {kubeconfig: /proxy.conf}\n`)
  const from = settings === undefined ? ['--kubeconfig=/proxy.conf'] : ['--config=/config.yaml']
  const { kernel } = await proxySettings(readComponentFlags([...from, ...argv], kubeProxy.flags), world)
  return { ...kernel, cpus: world.machine.cpus }
}

const usual = (cpus: number) => ({
  nf_conntrack_max: Math.max(32_768 * cpus, 131_072),
  nf_conntrack_tcp_timeout_established: 86_400,
  nf_conntrack_tcp_timeout_close_wait: 3600,
})

test('the kernel is told what is usual where nothing, or what stands for it, is said', async () => {
  const asKubeadm =
    'oomScoreAdj: null\nconntrack: {maxPerCore: null, min: null, tcpEstablishedTimeout: null, udpTimeout: 0s}'
  for (const settings of [undefined, '', asKubeadm]) {
    const { oomScoreAdj, netfilter, cpus } = await kernelOf(settings)
    assert.equal(oomScoreAdj, -999)
    assert.deepEqual(netfilter, usual(cpus))
  }
})

test('connections are counted by processor, and zero leaves the kernel what it has', async () => {
  const { netfilter, cpus } = await kernelOf(
    'conntrack: {maxPerCore: 1000000, tcpCloseWaitTimeout: 0s, tcpBeLiberal: true}',
  )
  assert.equal(netfilter['nf_conntrack_max'], 1_000_000 * cpus)
  assert.equal(netfilter['nf_conntrack_tcp_timeout_close_wait'], undefined)
  assert.equal(netfilter['nf_conntrack_tcp_be_liberal'], 1)
  const none = await kernelOf(undefined, '--conntrack-max-per-core=0', '--conntrack-udp-timeout=10s')
  assert.equal(none.netfilter['nf_conntrack_max'], undefined)
  assert.equal(none.netfilter['nf_conntrack_udp_timeout'], 10)
})

test('what makes no sense is refused with the name of the field', async () => {
  const refused = (settings: string, message: RegExp) =>
    assert.rejects(
      kernelOf(settings),
      (error: unknown) => error instanceof ComponentFlagError && message.test(error.message),
    )
  await refused('oomScoreAdj: -1001', /^oomScoreAdj: Invalid value: -1001: must be within the range \[-1000, 1000\]/)
  await refused('conntrack: {min: -1}', /^conntrack\.min: Invalid value: -1/)
  await refused('conntrack: {tcpEstablishedTimeout: soon}', /^conntrack\.tcpEstablishedTimeout: /)
  await refused('conntrack: {udpTimeout: -5s}', /^conntrack\.udpTimeout: /)
})
