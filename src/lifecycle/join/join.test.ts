import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualHost } from '../../world/virtual-host.ts'
import { initSettings, joinSettings, readDocuments } from '../config/read.ts'
import { JoinData } from './data.ts'
import { joinedText, joinPhases } from './phases.ts'

const file = (controlPlane: string) => `apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
discovery:
  bootstrapToken: {apiServerEndpoint: "10.0.0.9:6443", token: abcdef.0123456789abcdef, unsafeSkipCAVerification: true}
${controlPlane}
`

/** A host that joins a cluster whose configuration is known. */
async function dataFor(controlPlane: string, cluster = '') {
  const world = new VirtualHost(7)
  const warn = () => {}
  const tools = { world, version: 'v1.36.2', warn }
  const join = await joinSettings(readDocuments(file(controlPlane), warn), tools)
  const text = `apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n${cluster}`
  const { cluster: known } = await initSettings(readDocuments(text, warn), tools)
  const data = new JoinData(
    { world, env: {}, program: 'v1.36.2', print: warn, warn },
    { join, ignored: new Set(['all']), patches: [], single: false },
  )
  return Object.assign(data, { cluster: async () => known })
}

const preflight = joinPhases[0]!

test('a cluster whose address may change takes no other control plane [INI-06]', async () => {
  const data = await dataFor('controlPlane: {}')
  await assert.rejects(
    preflight.run!(data),
    /unable to add a new control plane instance to a cluster that doesn't have a stable controlPlaneEndpoint address/,
  )
})

test('a control plane needs what control planes share, or the key to it', async () => {
  const data = await dataFor('controlPlane: {}', 'controlPlaneEndpoint: k8s.example.com')
  await assert.rejects(
    preflight.run!(data),
    /One or more conditions for hosting a new control plane instance is not satisfied\.[\s\S]*\/etc\/kubernetes\/pki\/sa\.key/,
  )
  const key = 'a'.repeat(64)
  await preflight.run!(await dataFor(`controlPlane: {certificateKey: ${key}}`, 'controlPlaneEndpoint: k8s.example.com'))
})

test('a worker needs neither', async () => {
  const data = await dataFor('')
  await preflight.run!(data)
  assert.ok(
    joinPhases
      .filter((phase) => phase.skip?.(data))
      .map(({ name }) => name)
      .includes('control-plane-prepare'),
  )
  assert.ok((await joinedText(data)).includes('This node has joined the cluster:'))
})

test('phases are called as kubeadm calls them', () => {
  assert.deepEqual(
    joinPhases.map(({ name }) => name),
    `preflight control-plane-prepare check-etcd kubelet-start etcd-join kubelet-wait-bootstrap control-plane-join
     wait-control-plane`.split(/\s+/),
  )
})
