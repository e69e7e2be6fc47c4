import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { startCluster } from '../src/cluster/cluster.ts'
import { oracleFolder } from '../tools/oracle.ts'

/**
 * What a real Kubernetes answered to every combination of who, verb, resource and namespace, and to paths, right after
 * it was started. A file names the subjects, what was asked of each, and what of it was allowed.
 */
interface Matrix {
  readonly asked: {
    readonly verbs: readonly string[]
    readonly namespaces: readonly string[]
    /** `pods/log`, `apps/deployments/scale`. */
    readonly resources: readonly string[]
    readonly paths: readonly string[]
    readonly questions: number
  }
  readonly subjects: Readonly<
    Record<string, { readonly user: string; readonly groups: readonly string[]; readonly allowed: readonly string[] }>
  >
}

const file = oracleFolder && join(oracleFolder, 'authz-matrix.json')
const skip = file && existsSync(file) ? false : 'the matrix is not beside the checkout (../shared/oracle)'

describe('who may do what in a new cluster is what a real Kubernetes says', { skip }, async () => {
  if (skip !== false) return
  const { asked, subjects } = JSON.parse(readFileSync(file!, 'utf8')) as Matrix
  const cluster = await startCluster({ apiOnly: true })
  let questions = 0

  for (const [name, { user, groups, allowed }] of Object.entries(subjects)) {
    test(name, async () => {
      const expected = new Set(allowed)
      if (!groups.includes('system:serviceaccounts') && !groups.includes('system:masters')) expected.delete(downstream)
      const differing: string[] = []
      const ask = async (question: string, spec: object) => {
        questions++
        const isAllowed = await review(cluster, { user, groups, ...spec })
        if (isAllowed !== expected.has(question)) differing.push(`${question}: ${isAllowed ? 'allowed' : 'refused'}`)
      }
      for (const resource of asked.resources) {
        const attributes = resourceOf(resource)
        for (const verb of asked.verbs)
          for (const namespace of asked.namespaces) {
            const question = namespace === '' ? `${verb} ${resource}` : `${verb} ${resource} -n ${namespace}`
            await ask(question, { resourceAttributes: { ...attributes, verb, namespace } })
          }
      }
      for (const path of asked.paths) {
        await ask(`get ${path}`, { nonResourceAttributes: { path, verb: 'get' } })
      }
      assert.deepEqual(differing, [])
    })
  }

  // One of the subjects that were asked was taken out of the file again; `asked.questions` still counts it.
  test('every question was asked', () => {
    const each = asked.resources.length * asked.verbs.length * asked.namespaces.length + asked.paths.length
    assert.equal(asked.questions % each, 0)
    assert.equal(questions, each * Object.keys(subjects).length)
  })
})

/**
 * The tree of which the reference was built shows this path to everybody, by a role of its own that was taken out of the
 * recordings. Kubernetes shows it to service accounts alone (`system:service-account-issuer-discovery`), and so do we.
 */
const downstream = 'get /.well-known/openid-configuration'

/** The group is what has a dot, or is not the first word of a core resource: core resources come without one. */
function resourceOf(text: string): { readonly group: string; readonly resource: string; readonly subresource: string } {
  const [first = '', second, third] = text.split('/')
  const isGrouped = third !== undefined || (second !== undefined && (first.includes('.') || plainGroups.has(first)))
  return isGrouped
    ? { group: first, resource: second!, subresource: third ?? '' }
    : { group: '', resource: first, subresource: second ?? '' }
}

const plainGroups: ReadonlySet<string> = new Set(['apps', 'autoscaling', 'batch', 'policy'])

const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews'

async function review(cluster: Awaited<ReturnType<typeof startCluster>>, spec: object): Promise<boolean> {
  const { status, body } = await cluster.handler({
    method: 'POST',
    url: path,
    headers: { 'content-type': 'application/json' },
    body: async () => Buffer.from(JSON.stringify({ spec })),
    signal: never,
    remoteAddress: '127.0.0.1',
    certificate: { commonName: 'admin', organizations: ['system:masters'], fingerprint: 'f' },
  })
  assert.equal(status, 201, String(body))
  return JSON.parse(String(body)).status.allowed
}

const never = new AbortController().signal
