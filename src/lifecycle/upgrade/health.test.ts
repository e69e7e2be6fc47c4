import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Client } from '../../client/client.ts'
import { Job } from '../../kinds/batch/job.ts'
import { VirtualHost } from '../../world/virtual-host.ts'
import { initSettings, readDocuments } from '../config/read.ts'
import { controlPlaneComponents } from '../manifests/control-plane.ts'
import { manifestPath } from '../manifests/static-pod.ts'
import { healthChecks } from './health.ts'

const node = (name: string, ready: 'True' | 'False' | 'Unknown', unschedulable = false) => ({
  metadata: { name },
  spec: { unschedulable },
  status: { conditions: [{ type: 'Ready', status: ready }] },
})

interface Cluster {
  readonly nodes?: readonly object[]
  readonly jobEnds?: boolean
  readonly manifests?: readonly string[]
  readonly dryRun?: boolean
}

/** What the checks find, by their names; and what was made and said on the way. */
async function found({ nodes = [node('m1', 'True')], jobEnds = true, manifests, dryRun = false }: Cluster) {
  const world = new VirtualHost(7)
  for (const component of manifests ?? controlPlaneComponents) await world.disk.write(manifestPath(component), 'x')
  const said: string[] = []
  const print = (line: string) => void said.push(line)
  const { cluster } = await initSettings(readDocuments('', print), { world, version: 'v1.36.2', warn: print })
  const made: object[] = []
  const client = {
    list: async () => ({ items: nodes }),
    create: async (_: unknown, object: object) => {
      made.push(object)
      return { metadata: { name: 'upgrade-health-check-x' } }
    },
    get: async (kind: unknown) =>
      kind === Job && jobEnds ? { status: { conditions: [{ type: 'Complete', status: 'True' }] } } : {},
  } as unknown as Client
  const patience = { clock: world.clock, timeout: '1m0s' }
  const findings: Record<string, readonly string[]> = {}
  let isOver = false
  const work = (async () => {
    for (const check of healthChecks({ client, cluster, patience, dryRun, print }))
      findings[check.name] = (await check.run({ world, env: {} })).map(
        ({ severity, message }) => `${severity}: ${message}`,
      )
  })().finally(() => {
    isOver = true
  })
  while (!isOver) await world.advance(1000)
  await work
  return { findings, made, said }
}

const fine = { CreateJob: [], ControlPlaneNodesReady: [], StaticPodManifest: [] }

describe('before an upgrade [UPG-18]', () => {
  test('a Job has to run to its end, also where only control planes could run it', async () => {
    const { made, findings } = await found({})
    assert.deepEqual(findings, fine)
    const [job] = made as readonly { readonly spec: { readonly template: { readonly spec: object } } }[]
    assert.match(JSON.stringify(job!.spec.template.spec), /"key":"node-role\.kubernetes\.io\/control-plane"/)
    const late = await found({ jobEnds: false })
    assert.deepEqual(late.findings['CreateJob'], [
      'error: Job "upgrade-health-check-x" in the namespace "kube-system" did not complete in 1m0s: no condition of type Complete',
    ])
  })

  test('the Job is left out where no node takes pods, and in a dry run', async () => {
    const { findings, made } = await found({ nodes: [node('m1', 'True', true)] })
    assert.deepEqual(findings['CreateJob'], [
      'warning: it was skipped because there are no schedulable Nodes in the cluster',
    ])
    assert.deepEqual(made, [])
    const dry = await found({ dryRun: true })
    assert.deepEqual(dry.made, [])
    assert.match(dry.said.join(), /Would create the Job with the prefix "upgrade-health-check"/)
  })

  test('all control planes have to be Ready', async () => {
    const { findings } = await found({
      nodes: [node('m1', 'True'), node('m2', 'Unknown'), node('m3', 'False')],
    })
    assert.deepEqual(findings['ControlPlaneNodesReady'], [
      'error: there are NotReady control-planes in the cluster: [m2 m3]',
    ])
  })

  test('the manifests have to lie on this host', async () => {
    const { findings } = await found({ manifests: ['kube-apiserver'] })
    const missing = findings['StaticPodManifest']!
    assert.equal(missing.length, 1)
    assert.match(
      missing[0]!,
      /not found: \[\/etc\/kubernetes\/manifests\/kube-controller-manager\.yaml \/etc\/kubernetes\/manifests\/kube-scheduler\.yaml\]$/,
    )
  })
})
