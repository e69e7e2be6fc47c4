import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { createSecureContext } from 'node:tls'
import { VirtualWorld } from '../world/virtual.ts'
import { createAuthority, issueCertificate } from './pki.ts'

const world = new VirtualWorld(7)

test('an authority signs a server certificate that holds for its names and addresses', () => {
  const authority = createAuthority('kubernetes', world)
  const server = issueCertificate(
    authority,
    {
      commonName: 'kube-apiserver',
      hosts: ['localhost', '127.0.0.1', '::1', 'fd00:1::2:3', '::ffff:10.0.0.2'],
      usages: ['server'],
    },
    world,
  )
  const ca = new X509Certificate(authority.certificate)
  const certificate = new X509Certificate(server.certificate)

  assert.equal(ca.ca, true)
  assert.equal(ca.subject, 'CN=kubernetes')
  assert.equal(certificate.ca, false)
  assert.ok(certificate.checkIssued(ca))
  assert.ok(certificate.verify(ca.publicKey))
  assert.equal(certificate.checkHost('localhost'), 'localhost')
  assert.equal(certificate.checkIP('127.0.0.1'), '127.0.0.1')
  assert.equal(certificate.checkIP('fd00:1::2:3'), 'fd00:1::2:3')
  assert.equal(certificate.checkIP('10.0.0.2'), '10.0.0.2')
  assert.equal(certificate.checkIP('10.0.0.1'), undefined)
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1'])
  assert.doesNotThrow(() =>
    createSecureContext({ cert: server.certificate, key: server.key, ca: authority.certificate }),
  )
})

test('a client certificate carries its groups as organizations', () => {
  const authority = createAuthority('kubernetes', world)
  const client = issueCertificate(
    authority,
    { commonName: 'kubernetes-admin', organizations: ['ops', 'kubeadm:cluster-admins'], usages: ['client'] },
    world,
  )
  const subject = new X509Certificate(client.certificate).toLegacyObject().subject as unknown as Record<string, unknown>
  assert.deepEqual({ ...subject }, { O: ['ops', 'kubeadm:cluster-admins'], CN: 'kubernetes-admin' })
})

test('validity begins a little before now and lasts as long as was asked', () => {
  const authority = createAuthority('kubernetes', world)
  const client = issueCertificate(authority, { commonName: 'a', usages: ['client'], validityMs: 60_000 }, world)
  const { validFromDate, validToDate } = new X509Certificate(client.certificate)
  assert.equal(validToDate.getTime() - validFromDate.getTime(), 6 * 60_000)
})
