import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from '../../kinds/core/pod.ts'
import { runsAsProcesses, whyNoProcess } from './eligible.ts'

const isOwn = (program: string) => program === 'kube-proxy'
const proxy = { name: 'main', command: ['kube-proxy', '--v=2'], securityContext: { privileged: true } }
const podOf = (spec: object) => ({ metadata: {}, spec }) as Pod
const runs = (spec: object, handler = '') => runsAsProcesses(podOf(spec), handler, isOwn)
const runsWith = (change: object) => runs({ hostNetwork: true, containers: [{ ...proxy, ...change }] })

test('a privileged pod of own programs in the network of the host runs as processes', () => {
  assert.equal(runsWith({}), true)
  assert.equal(runsWith({ command: ['/usr/local/bin/kube-proxy'] }), true)
  assert.equal(runs({ hostNetwork: true, initContainers: [proxy], containers: [proxy, proxy] }), true)
})

test('no other pod does', () => {
  for (const change of [
    { securityContext: {} },
    { securityContext: { privileged: false } },
    { securityContext: undefined },
    { command: ['sh', '-c', 'kube-proxy'] },
    { command: ['/kube-proxy/sh'] },
    { command: [''] },
    { command: [], args: ['kube-proxy'] },
    { command: undefined, image: 'kube-proxy', args: ['kube-proxy'] },
  ])
    assert.equal(runsWith(change), false, JSON.stringify(change))
  assert.equal(runs({ containers: [proxy] }), false)
  assert.equal(runs({ hostNetwork: true, containers: [proxy, { ...proxy, command: ['sh'] }] }), false)
  assert.equal(runs({ hostNetwork: true, initContainers: [{ name: 'first' }], containers: [proxy] }), false)
})

test('whose runtime class says so runs as processes, whatever its program, if it may', () => {
  const shell = { name: 'main', command: ['sh'], securityContext: { privileged: true } }
  const spec = { hostNetwork: true, containers: [shell] }
  assert.equal(runs(spec), false)
  assert.equal(runs(spec, 'process'), true)
  assert.equal(runs({ hostNetwork: true, containers: [proxy] }, 'runc'), false, 'another class is another wish')
  assert.equal(whyNoProcess(podOf(spec)), undefined)
  assert.match(whyNoProcess(podOf({ ...spec, hostNetwork: false }))!, /set hostNetwork$/)
  const weak = { ...spec, initContainers: [{ name: 'first' }] }
  assert.match(whyNoProcess(podOf(weak))!, /set securityContext.privileged of container first$/)
})
