import type { Api } from './api.ts'
import type { Benchmark } from './benchmark.ts'
import { follow, followCount, isBound } from './follow.ts'
import { load } from './load.ts'
import { deployment, namelessPod } from './objects.ts'
import { serve } from './process.ts'
import { untilServiceAccount } from './requests.ts'

const pods = 3000
const podsPath = '/api/v1/namespaces/default/pods'

/** A client makes pods, 32 at a time, and the scheduler gives each a node. The nodes run them at the same time. */
export const scheduling: Benchmark = {
  name: 'scheduling',
  rounds: 3,
  rows: [
    {
      id: 'bound',
      what: `${pods.toLocaleString('en')} pods on 500 nodes, from the first creation to the last binding`,
      unit: '/s',
      aim: 1000,
      reference: '300',
    },
    { id: 'firstBound', what: `The same, the first ${pods.toLocaleString('en')} of a new process`, unit: '/s' },
  ],

  async run(bundle) {
    await using cluster = await serve(bundle, { nodes: 500 })
    const { api } = cluster
    await untilServiceAccount(api)
    return { firstBound: await boundPerSecond(api), bound: await boundPerSecond(api) }
  },
}

/** Makes pods, and waits until they have nodes. */
async function boundPerSecond(api: Api): Promise<number> {
  const bound = await followCount(api, podsPath, isBound, pods)
  const startedMs = performance.now()
  await load(api, { method: 'POST', paths: [podsPath], count: pods, body: namelessPod() })
  await bound.all
  return (pods * 1000) / (performance.now() - startedMs)
}

const deploymentsPath = '/apis/apps/v1/namespaces/default/deployments'
const replicas = 1000

/** From the creation of a Deployment until it says that all its replicas are there. */
export const rollout: Benchmark = {
  name: 'rollout',
  rounds: 5,
  rows: [
    {
      id: 'available',
      what: 'A Deployment of 1,000 replicas on 20 nodes, until all are available',
      unit: 'ms',
      aim: 2000,
    },
  ],

  async run(bundle) {
    await using cluster = await serve(bundle, { nodes: 20 })
    const { api } = cluster
    await untilServiceAccount(api)
    const done = follow<DeploymentLike>(
      api,
      deploymentsPath,
      ({ status }) => status?.availableReplicas === replicas && isTrue(status.conditions, 'Available'),
    )
    const startedMs = performance.now()
    await api.must('POST', deploymentsPath, { body: deployment('web', replicas) })
    await done
    return { available: performance.now() - startedMs }
  },
}

interface DeploymentLike {
  readonly status?: { readonly availableReplicas?: number; readonly conditions?: readonly Condition[] }
}

interface Condition {
  readonly type: string
  readonly status: string
}

const isTrue = (conditions: readonly Condition[] | undefined, wanted: string) =>
  conditions?.some(({ type, status }) => type === wanted && status === 'True') ?? false
