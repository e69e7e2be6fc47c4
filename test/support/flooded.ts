/** A server as users run it, with those who take part in a flood: a greedy client, another one, and a leader. */
import { readFileSync } from 'node:fs'
import { FloodClient, namespace, Observer, thingDefinition } from './floods.ts'

/** Asks the server as its administrator; gives the answer's body. Throws when it is an error. */
export type AdminCall = (method: string, path: string, body?: object) => Promise<unknown>

/** Tokens of service accounts. Nobody among them is exempt from waiting. */
export interface Crew {
  readonly greedy: string
  readonly other: string
  readonly leader: string
}

const accounts = { greedy: 'default', other: 'default', leader: 'kube-system' } as const

/** Makes the accounts, the objects and the type that floods are about. */
export async function prepareFloods(call: AdminCall, objects: number): Promise<Crew> {
  await call('POST', '/api/v1/namespaces', { metadata: { name: namespace } })
  await call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', thingDefinition)
  await call('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    metadata: { name: 'flood' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: Object.entries(accounts).map(([name, namespace]) => ({ kind: 'ServiceAccount', name, namespace })),
  })
  const data = { text: 'x'.repeat(1000) }
  for (let at = 0; at < objects; at++) {
    await call('POST', `/api/v1/namespaces/${namespace}/configmaps`, { metadata: { name: `map-${at}` }, data })
  }
  const tokens = await Promise.all(
    Object.entries(accounts).map(async ([name, within]) => {
      const collection = `/api/v1/namespaces/${within}/serviceaccounts`
      await call('POST', collection, { metadata: { name } })
      const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }
      const answer = (await call('POST', `${collection}/${name}/token`, request)) as { status: { token: string } }
      return [name, answer.status.token] as const
    }),
  )
  const lease = { holderIdentity: 'me', leaseDurationSeconds: 15 }
  await call('POST', '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases', {
    metadata: { name: 'flood' },
    spec: lease,
  })
  return Object.fromEntries(tokens) as unknown as Crew
}

/** What others see of the server. */
export interface Seen extends AsyncDisposable {
  readonly other: Observer
  readonly leader: Observer
  /** No more is asked, and what has been asked is waited for. Once is enough. */
  end(): Promise<void>
}

/** The other client reads an object, and a leader renews its lease, as they always do. */
export async function observe(port: number, crew: Crew): Promise<Seen> {
  const [other, leader] = [new Observer(), new Observer()]
  const [others, leaders] = [await FloodClient.connect(port, crew.other), await FloodClient.connect(port, crew.leader)]
  const lease = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/flood'
  const renew = async () => {
    const { status, text } = await leaders.fetch('GET', lease)
    return status === 200 ? leaders.ask('PUT', lease, text) : status
  }
  other.begin(() => others.ask('GET', '/api/v1/namespaces/default/serviceaccounts/other'), 10)
  leader.begin(renew, 50)
  const close = () => {
    others.close()
    leaders.close()
  }
  const end = async () => {
    // Who is not answered any more is not waited for.
    const late = setTimeout(close, 20_000)
    await Promise.all([other.end(), leader.end()])
    clearTimeout(late)
    close()
  }
  return { other, leader, end, [Symbol.asyncDispose]: end }
}

/** The resident set of a process, in MiB. */
export const residentMiB = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024
