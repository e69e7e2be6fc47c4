import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiError } from '../../schema/status.ts'
import { VirtualHost } from '../../world/virtual-host.ts'
import { initSettings, joinSettings, readDocuments } from '../config/read.ts'
import { LifecycleError } from '../failure.ts'
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

/** Runs the question until it is answered or given up; gives what was printed. */
async function asked(question: () => Promise<string>) {
  const data = await dataFor('')
  const lines: string[] = []
  Object.assign(data, { bootstrapClient: async () => ({}) })
  Object.assign(data.tools, { print: (line: string) => lines.push(line) })
  const answer = data.ask(question).catch((error: unknown) => error as LifecycleError)
  await (data.world as VirtualHost).advance(60_000)
  return { lines, answer: await answer }
}

test('an API server that has not heard of a new token yet is asked again, and the host says so', async () => {
  let times = 0
  const { lines, answer } = await asked(async () => {
    if (++times < 4) throw new ApiError('Unauthorized', 'Unauthorized')
    return 'heard'
  })
  assert.equal(answer, 'heard')
  assert.deepEqual(lines, [
    '[discovery] The API server does not know the token; a new one is known everywhere in a moment',
  ])
})

test('one that goes on refusing it is believed', async () => {
  const { lines, answer } = await asked(() => Promise.reject(new ApiError('Unauthorized', 'Unauthorized')))
  assert.ok(answer instanceof LifecycleError)
  assert.match(answer.message, /the API server refuses the credential of this host: Unauthorized/)
  assert.match(answer.hint!, /coracle token create --print-join-command/)
  assert.equal(lines.length, 1)
})

test('phases are called as kubeadm calls them', () => {
  assert.deepEqual(
    joinPhases.map(({ name }) => name),
    `preflight control-plane-prepare check-etcd kubelet-start etcd-join kubelet-wait-bootstrap control-plane-join
     wait-control-plane`.split(/\s+/),
  )
})
