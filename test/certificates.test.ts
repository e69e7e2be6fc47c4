import assert from 'node:assert/strict'
import { createPublicKey, X509Certificate } from 'node:crypto'
import { describe, test } from 'node:test'
import type { Client } from '../src/client/client.ts'
import { CertificateSigningRequest } from '../src/kinds/certificates/certificate-signing-request.ts'
import { ClusterRoleBinding } from '../src/kinds/rbac/cluster-role-binding.ts'
import { createAuthority } from '../src/lifecycle/pki.ts'
import { isNotFound } from '../src/schema/status.ts'
import { realWorld } from '../src/world/real.ts'
import { certificateRequest, type Wish } from './support/certificate-request.ts'
import { type VirtualCluster, virtualCluster } from './support/virtual-cluster.ts'

const authority = createAuthority('kubernetes', {
  clock: { ...realWorld().clock, now: () => Date.UTC(2025, 0, 1) },
  random: realWorld().random,
})
const hourMs = 3_600_000

const kubeletClient = 'kubernetes.io/kube-apiserver-client-kubelet'
const kubeletServing = 'kubernetes.io/kubelet-serving'
const apiServerClient = 'kubernetes.io/kube-apiserver-client'

const clientUsages = ['digital signature', 'client auth']
const servingUsages = ['digital signature', 'server auth']
const node: Wish = { commonName: 'system:node:worker-1', organizations: ['system:nodes'] }

/** A cluster that signs, and one request in it. */
class Office implements AsyncDisposable {
  readonly #in: VirtualCluster

  private constructor(cluster: VirtualCluster) {
    this.#in = cluster
  }

  static async open(): Promise<Office> {
    const { certificate, key } = authority
    const options = { nodes: 0, certificateAuthority: certificate, certificateAuthorityKey: key }
    return new Office(await virtualCluster(options))
  }

  get client(): Client {
    return this.#in.cluster.client
  }

  get faults(): readonly string[] {
    return this.#in.faults
  }

  get now(): number {
    return this.#in.world.clock.now()
  }

  async pass(ms: number): Promise<void> {
    await this.#in.cluster.advance(ms)
  }

  /** Asks, as somebody. Gives the public half of the key. */
  async ask(
    user: { readonly name: string; readonly groups: readonly string[] },
    wish: Wish,
    spec: { readonly signerName: string; readonly usages: readonly string[]; readonly expirationSeconds?: number },
  ): Promise<string> {
    const { request, key } = certificateRequest(wish)
    const groups = [...user.groups, 'system:authenticated']
    const client = this.client.as({ name: user.name, groups, userAgent: 'test' })
    await client.create(CertificateSigningRequest, { metadata: { name: 'r' }, spec: { ...spec, request } })
    await this.#in.cluster.settle()
    return createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString()
  }

  async decide(type: 'Approved' | 'Denied'): Promise<void> {
    const request = await this.request()
    const time = new Date(this.now).toISOString().replace('.000', '')
    const conditions = [{ type, status: 'True', reason: 'ByHand', lastUpdateTime: time }]
    const decided = { ...request, status: { ...request.status, conditions } }
    await this.client.update(CertificateSigningRequest, decided, { subresource: 'approval' })
    await this.#in.cluster.settle()
  }

  async bind(roleName: string, group: string): Promise<void> {
    await this.client.create(ClusterRoleBinding, {
      metadata: { name: roleName },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: roleName },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: group }],
    })
    await this.#in.cluster.settle()
  }

  request(): Promise<CertificateSigningRequest> {
    return this.client.get(CertificateSigningRequest, { name: 'r' })
  }

  /** `Type Reason: message` of every condition. */
  async conditions(): Promise<string[]> {
    const { conditions = [] } = (await this.request()).status
    return conditions.map(({ type, reason, message }) => `${type} ${reason}: ${message}`)
  }

  async certificate(): Promise<X509Certificate | undefined> {
    const { certificate } = (await this.request()).status
    return certificate ? new X509Certificate(Buffer.from(certificate, 'base64')) : undefined
  }

  async isThere(): Promise<boolean> {
    try {
      await this.request()
      return true
    } catch (error) {
      if (isNotFound(error)) return false
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#in[Symbol.asyncDispose]()
  }
}

const bootstrapper = { name: 'system:bootstrap:abcdef', groups: ['system:bootstrappers'] }
const admin = { name: 'admin', groups: ['system:masters'] }
const nodeClientRole = 'system:certificates.k8s.io:certificatesigningrequests:nodeclient'
const selfNodeClientRole = 'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient'

describe('the certificate by which a node speaks to the API server', () => {
  test('is approved and signed for whoever may join [CRT-17]', async () => {
    await using office = await Office.open()
    await office.bind('system:node-bootstrapper', 'system:bootstrappers')
    await office.bind(nodeClientRole, 'system:bootstrappers')
    const publicKey = await office.ask(bootstrapper, node, { signerName: kubeletClient, usages: clientUsages })
    assert.deepEqual(await office.conditions(), [
      'Approved AutoApproved: Auto approving kubelet client certificate after SubjectAccessReview.',
    ])
    const certificate = (await office.certificate())!
    assert.equal(certificate.subject, 'O=system:nodes\nCN=system:node:worker-1')
    assert.equal(certificate.publicKey.export({ type: 'spki', format: 'pem' }), publicKey)
    assert.ok(certificate.verify(new X509Certificate(authority.certificate).publicKey))
    assert.equal(certificate.ca, false)
    assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.2'])
    const begin = office.now - 300_000
    assert.equal(certificate.validFromDate.getTime(), begin)
    assert.equal(certificate.validToDate.getTime(), begin + 365 * 24 * hourMs)
    assert.deepEqual(office.faults, [])
  })

  test('waits until somebody allows it', async () => {
    await using office = await Office.open()
    await office.bind('system:node-bootstrapper', 'system:bootstrappers')
    await office.ask(bootstrapper, node, { signerName: kubeletClient, usages: clientUsages })
    assert.deepEqual(await office.conditions(), [])
    await office.bind(nodeClientRole, 'system:bootstrappers')
    assert.ok(await office.certificate())
  })

  test('is renewed for the node itself', async () => {
    await using office = await Office.open()
    await office.bind('system:node-bootstrapper', 'system:nodes')
    await office.bind(selfNodeClientRole, 'system:nodes')
    const user = { name: node.commonName, groups: ['system:nodes'] }
    await office.ask(user, node, { signerName: kubeletClient, usages: clientUsages })
    assert.deepEqual(await office.conditions(), [
      'Approved AutoApproved: Auto approving self kubelet client certificate after SubjectAccessReview.',
    ])
  })
})

describe('what is approved by hand', () => {
  test('is signed, for as long as was asked', async () => {
    await using office = await Office.open()
    const wish = { ...node, dns: ['worker-1'], ip: ['10.0.0.1'] }
    await office.ask(admin, wish, { signerName: kubeletServing, usages: servingUsages, expirationSeconds: 3600 })
    await office.pass(1000)
    assert.deepEqual(await office.conditions(), [])
    await office.decide('Approved')
    const certificate = (await office.certificate())!
    assert.equal(certificate.subjectAltName, 'DNS:worker-1, IP Address:10.0.0.1')
    assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1'])
    assert.equal(certificate.validToDate.getTime(), office.now + hourMs)
  })

  test('is not signed for longer than a year', async () => {
    await using office = await Office.open()
    const spec = { signerName: apiServerClient, usages: ['client auth'], expirationSeconds: 2_000_000_000 }
    await office.ask(admin, { commonName: 'jane', organizations: ['dev', 'ops'] }, spec)
    await office.decide('Approved')
    const certificate = (await office.certificate())!
    assert.equal(certificate.subject, 'O=dev\nO=ops\nCN=jane')
    assert.equal(certificate.validToDate.getTime(), office.now - 300_000 + 365 * 24 * hourMs)
  })

  const refusals: readonly (readonly [why: string, signerName: string, usages: readonly string[], wish: Wish])[] = [
    ['subject organization is not system:nodes', kubeletServing, servingUsages, { commonName: 'x', dns: ['x'] }],
    ['DNS or IP subjectAltName is required', kubeletServing, servingUsages, node],
    [
      'usages did not match [digital signature key encipherment server auth]',
      kubeletServing,
      clientUsages,
      { ...node, dns: ['x'] },
    ],
    ['DNS subjectAltNames are not allowed', kubeletClient, clientUsages, { ...node, dns: ['x'] }],
    ['invalid usage for client certificate: server auth', apiServerClient, servingUsages, node],
    ['missing required usage for client certificate: client auth', apiServerClient, ['digital signature'], node],
  ]
  for (const [why, signerName, usages, wish] of refusals) {
    test(`fails where the signer finds: ${why}`, async () => {
      await using office = await Office.open()
      await office.ask(admin, wish, { signerName, usages })
      await office.decide('Approved')
      assert.equal((await office.conditions()).at(-1), `Failed SignerValidationFailure: ${why}`)
      assert.equal(await office.certificate(), undefined)
    })
  }
})

test('what is denied is not signed', async () => {
  await using office = await Office.open()
  await office.ask(admin, { commonName: 'jane' }, { signerName: apiServerClient, usages: ['client auth'] })
  await office.decide('Denied')
  assert.equal(await office.certificate(), undefined)
})

test('requests of other signers are left to them', async () => {
  await using office = await Office.open()
  await office.ask(admin, { commonName: 'jane' }, { signerName: 'example.com/own', usages: ['client auth'] })
  await office.decide('Approved')
  assert.equal(await office.certificate(), undefined)
})

describe('a request is deleted', () => {
  const ask = (office: Office, signerName = apiServerClient) =>
    office.ask(admin, { commonName: 'jane' }, { signerName, usages: ['client auth'] })

  const lives: readonly (readonly [what: string, hours: number, prepare: (office: Office) => Promise<unknown>])[] = [
    ['that nobody looks at', 24, ask],
    ['that was signed', 1, (office) => ask(office).then(() => office.decide('Approved'))],
    ['that was denied', 1, (office) => ask(office).then(() => office.decide('Denied'))],
    ['that nobody signs', 24, (office) => ask(office, 'example.com/own').then(() => office.decide('Approved'))],
  ]
  for (const [what, hours, prepare] of lives) {
    test(`${what}, after ${hours} hours`, async () => {
      await using office = await Office.open()
      await prepare(office)
      await office.pass(hours * hourMs - 1000)
      assert.equal(await office.isThere(), true)
      await office.pass(1000)
      assert.equal(await office.isThere(), false)
    })
  }
})
