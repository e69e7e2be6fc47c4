import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { HttpClient } from '../../src/client/http.ts'
import type { ServedCluster } from '../../src/cluster/serve.ts'
import { CertificateSigningRequest } from '../../src/kinds/certificates/certificate-signing-request.ts'
import { ConfigMap } from '../../src/kinds/core/config-map.ts'
import { Node } from '../../src/kinds/core/node.ts'
import { Secret } from '../../src/kinds/core/secret.ts'
import { LifecycleError } from '../../src/lifecycle/failure.ts'
import { createCertificates, newKey } from '../../src/lifecycle/pki/create.ts'
import { isSignedBy } from '../../src/lifecycle/pki/files.ts'
import { readEndpoint, writeKubeconfig } from '../../src/lifecycle/pki/kubeconfigs.ts'
import { rotateStep, rotationSteps } from '../../src/lifecycle/pki/rotate.ts'
import { controlPlaneSet } from '../../src/lifecycle/pki/set.ts'
import { defaultPkiSettings } from '../../src/lifecycle/pki/settings.ts'
import { authorities } from '../../src/lifecycle/pki/specs.ts'
import { createAuthority } from '../../src/lifecycle/pki.ts'
import { allowBootstrapTokens, publishClusterInfo } from '../../src/lifecycle/tokens/access.ts'
import { httpConnect } from '../../src/lifecycle/tokens/connect.ts'
import {
  bootstrapKubeconfig,
  discoverByFile,
  discoverByToken,
  type TokenDiscovery,
} from '../../src/lifecycle/tokens/discovery.ts'
import { followTrust, isOutgoing } from '../../src/lifecycle/tokens/follow-trust.ts'
import { joinCommand, joinCommandLines } from '../../src/lifecycle/tokens/join-command.ts'
import { bootstrapKubelet, keepFresh, readKubeletCertificate } from '../../src/lifecycle/tokens/kubelet-certificate.ts'
import { pinsOf } from '../../src/lifecycle/tokens/pins.ts'
import { requestCertificate } from '../../src/lifecycle/tokens/request-certificate.ts'
import {
  createTokens,
  defaultTokenGroup,
  defaultTokenUsages,
  deleteToken,
  listTokens,
} from '../../src/lifecycle/tokens/secrets.ts'
import { newToken, tokenText } from '../../src/lifecycle/tokens/token.ts'
import { downloadCertificates, newCertificateKey, uploadCertificates } from '../../src/lifecycle/tokens/upload.ts'
import { isForbidden, isNotFound } from '../../src/schema/status.ts'
import { VirtualHost } from '../../src/world/virtual-host.ts'
import type { Clock } from '../../src/world/world.ts'
import { clientOf, quietWorld, serve } from '../support/served.ts'

/** A control plane that lets hosts join; and hosts, each with a disk of its own. */
let served: ServedCluster
let admin: HttpClient
const settings = { ...defaultPkiSettings, nodeName: 'cp-1', advertiseAddress: '127.0.0.1' }
const connect = httpConnect(quietWorld)
const silent = () => {}

before(async () => {
  served = await serve({ apiOnly: false })
  admin = clientOf(served)
  await allowBootstrapTokens(admin, silent)
  await publishClusterInfo(admin, { server: served.url, certificateAuthority: served.certificateAuthority }, silent)
})
after(async () => {
  await admin[Symbol.asyncDispose]()
  await served[Symbol.asyncDispose]()
})

const usual = { usages: defaultTokenUsages, groups: [defaultTokenGroup] } as const

async function tokenOf(more: { readonly expiresAtMs?: number } = {}): Promise<string> {
  const token = newToken(quietWorld.random)
  await createTokens(admin, [{ token, ...usual, ...more }])
  return tokenText(token)
}

const endpoint = () => served.url.replace('https://', '')
const pins = () => pinsOf(served.certificateAuthority)
const discover = (asked: Partial<TokenDiscovery> & { readonly token: string }, clock: Clock = quietWorld.clock) =>
  discoverByToken({ endpoint: endpoint(), caCertHashes: pins(), timeoutMs: 5000, ...asked }, { clock, connect })

/** The world of a host that has nothing yet. */
const newHost = () => ({ ...quietWorld, disk: new VirtualHost().disk, connect })

async function refused(what: Promise<unknown>, message: RegExp, hint: RegExp): Promise<void> {
  await assert.rejects(what, (error) => {
    assert.ok(error instanceof LifecycleError, String(error))
    assert.match(error.message, message)
    assert.match(error.hint!, hint)
    return true
  })
}

describe('a host finds the cluster', () => {
  test('by a token and the hash of the authority: signed, pinned, asked again', async () => {
    const found = await discover({ token: await tokenOf() })
    assert.deepEqual(found, { server: served.url, certificateAuthority: served.certificateAuthority })
  })

  test('by a token alone, when it says that it pins nothing', async () => {
    assert.equal((await discover({ token: await tokenOf(), caCertHashes: [] })).server, served.url)
  })

  test('not with a token that is none [JOI-18]', async () => {
    await refused(discover({ token: 'abc' }), /the bootstrap token "abc" was not of the form/, /token create/)
  })

  test('not with a token that nobody made [JOI-18]', async () => {
    await refused(
      discover({ token: 'abcdef.0123456789abcdef', timeoutMs: 600 }),
      /^could not find a JWS signature in the cluster-info ConfigMap for token ID "abcdef"$/,
      /token id "abcdef" is invalid for this cluster or it has expired/,
    )
  })

  test('and who waits for a token that has expired is told why, and what makes another', async () => {
    const said: string[] = []
    let passed = 0
    const monotonic = () => quietWorld.clock.monotonic() + passed
    const after = async (ms: number) => {
      passed += ms
    }
    const world = { clock: { ...quietWorld.clock, monotonic, after }, connect, say: (line: string) => said.push(line) }
    const asked = { endpoint: endpoint(), token: 'abcdef.0123456789abcdef', caCertHashes: pins() }
    await refused(discoverByToken(asked, world), /could not find a JWS signature/, /token create/)
    assert.equal(said.length, 2, 'once')
    assert.match(said[0]!, /"abcdef" is invalid for this cluster or it has expired; .* coracle token create --print/)
    assert.match(said[1]!, /^\[discovery\] Trying again for 4m5\ds$/)
  })

  test('not with the right ID and a wrong secret [JOI-18]', async () => {
    const token = (await tokenOf()).replace(/\..*/, '.0000000000000000')
    await refused(
      discover({ token }),
      /^failed to verify JWS signature of received cluster info object, can't trust this API Server$/,
      /the token's secret is wrong/,
    )
  })

  test("not with another cluster's hash: nothing was sent to it [JOI-19]", async () => {
    const other = pinsOf(createAuthority('kubernetes', quietWorld).certificate)
    const token = await tokenOf()
    await refused(
      discover({ token, caCertHashes: other }),
      new RegExp(
        `^cluster CA found in cluster-info ConfigMap is invalid: none of the public keys "${pins()[0]}" are pinned$`,
      ),
      /another cluster's/,
    )
    for (const [hash, message] of [
      ['12ab', /invalid public key hash, expected "format:value"/],
      ['md5:12ab', /unknown hash format "md5"/],
      ['sha256:12ab', /expected a 32 byte SHA-256 hash, found 2 bytes/],
    ] as const)
      await refused(discover({ token, caCertHashes: [hash] }), message, /token create --print-join-command/)
  })

  test('not when its clock is a day behind: the authority is not valid yet', async () => {
    const clock = { ...quietWorld.clock, now: () => quietWorld.clock.now() - 24 * 3_600_000 }
    await refused(
      discover({ token: await tokenOf() }, clock),
      /the cluster's authority is not valid yet/,
      /set the clock/,
    )
  })

  test('not where nobody answers', async () => {
    await refused(
      discover({ token: 'abcdef.0123456789abcdef', endpoint: '127.0.0.1:1', timeoutMs: 300 }),
      /failed to request the cluster-info ConfigMap/,
      /whether the address is right/,
    )
  })

  test('by a file, with and without a credential', async () => {
    const { disk } = newHost()
    const world = { ...quietWorld, disk, connect }
    const { clientCertificate: certificate, clientKey: key } = served.admin
    const file = { clusterName: 'kubernetes', server: served.url, certificateAuthority: served.certificateAuthority }
    const info = await admin.get(ConfigMap, { namespace: 'kube-public', name: 'cluster-info' })
    await disk.write('/plain.conf', info.data!['kubeconfig']!)
    await disk.write('/admin.conf', writeKubeconfig({ ...file, user: 'admin', credential: { certificate, key } }))
    const { server, certificateAuthority } = file
    assert.deepEqual(await discoverByFile('/plain.conf', world), { server, certificateAuthority })
    const found = await discoverByFile('/admin.conf', world)
    assert.deepEqual(found, {
      server,
      certificateAuthority,
      credential: { clientCertificate: certificate, clientKey: key },
    })
    await refused(discoverByFile('/none.conf', world), /discovery file \/none\.conf is not there/, /kubeconfig/)
  })
})

describe('the join command', () => {
  test('is one line, with the hash that the authority has for its whole life [JOI-15 JOI-21]', async () => {
    const token = await tokenOf()
    const command = joinCommand({ server: served.url, certificateAuthority: served.certificateAuthority, token })
    assert.equal(command, `coracle join ${endpoint()} --token ${token} --discovery-token-ca-cert-hash ${pins()[0]}`)
    assert.match(token, /^[a-z0-9]{6}\.[a-z0-9]{16}$/)
  })

  test('for control planes says so [JOI-16 JOI-17]', async () => {
    const asked = { server: served.url, certificateAuthority: served.certificateAuthority, token: 'a.b' }
    assert.ok(joinCommand({ ...asked, certificateKey: 'ab12' }).endsWith(' --control-plane --certificate-key ab12'))
    assert.deepEqual(joinCommandLines({ ...asked, certificateKey: 'ab12' }), [
      `coracle join ${endpoint()} --token a.b \\`,
      `\t--discovery-token-ca-cert-hash ${pins()[0]} \\`,
      '\t--control-plane --certificate-key ab12',
    ])
  })
})

describe('a kubelet', () => {
  async function bootstrapped(nodeName: string) {
    const host = newHost()
    const token = await tokenOf()
    const found = await discover({ token })
    await host.disk.write('/etc/kubernetes/bootstrap-kubelet.conf', bootstrapKubeconfig(found, token))
    assert.equal(await bootstrapKubelet(host, { nodeName }), true)
    return host
  }

  test('gets its certificate by the token alone, and is a node from then on [JOI-20 CRT-17]', async () => {
    const host = await bootstrapped('worker-1')
    const pair = await readKubeletCertificate(host.disk, { kind: 'client', nodeName: 'worker-1' })
    const certificate = new X509Certificate(pair!.certificate)
    assert.equal(certificate.subject, 'O=system:nodes\nCN=system:node:worker-1')
    assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.2'])
    assert.deepEqual((await host.disk.list('/var/lib/kubelet/pki')).map((name) => name.replace(/\d/g, '0')).sort(), [
      'kubelet-client-0000-00-00-00-00-00.pem',
      'kubelet-client-current.pem',
    ])
    const request = (await admin.list(CertificateSigningRequest)).items.find(({ metadata }) =>
      metadata.name?.startsWith('node-csr-'),
    )
    assert.match(request!.spec.username!, /^system:bootstrap:[a-z0-9]{6}$/)
    assert.ok(request!.spec.groups!.includes(defaultTokenGroup))

    const text = (await host.disk.read('/etc/kubernetes/kubelet.conf'))!
    assert.match(text, /client-certificate: \/var\/lib\/kubelet\/pki\/kubelet-client-current\.pem/)
    await using node = connect(await readEndpoint(host.disk, '/etc/kubernetes/kubelet.conf'))
    await node.create(Node, { metadata: { name: 'worker-1' } })
    await assert.rejects(node.get(Node, { name: 'worker-2' }), isForbidden)
    // Once is enough.
    assert.equal(await bootstrapKubelet(host, { nodeName: 'worker-1' }), false)
  })

  test('that was interrupted finds its own request again', async () => {
    const host = newHost()
    const token = await tokenOf()
    await host.disk.write(
      '/etc/kubernetes/bootstrap-kubelet.conf',
      bootstrapKubeconfig(await discover({ token }), token),
    )
    const signal = AbortSignal.abort(new Error('killed'))
    await assert.rejects(bootstrapKubelet(host, { nodeName: 'worker-3', signal }), /killed/)
    const key = await host.disk.read('/var/lib/kubelet/pki/kubelet-client.key.tmp')
    assert.ok(key)
    await bootstrapKubelet(host, { nodeName: 'worker-3' })
    assert.equal((await readKubeletCertificate(host.disk, { kind: 'client', nodeName: 'worker-3' }))!.key, key)
    assert.equal(await host.disk.read('/var/lib/kubelet/pki/kubelet-client.key.tmp'), undefined)
  })

  test('whose token has expired meanwhile is told so [JOI-18]', async () => {
    const host = newHost()
    const token = await tokenOf()
    const found = await discover({ token })
    await host.disk.write('/etc/kubernetes/bootstrap-kubelet.conf', bootstrapKubeconfig(found, token))
    await deleteToken(admin, token.slice(0, 6))
    await refused(
      bootstrapKubelet(host, { nodeName: 'worker-6' }),
      /^could not request a certificate for the kubelet: Unauthorized$/,
      /the bootstrap token has expired/,
    )
  })

  test('to whom nobody answers is told where to look', async () => {
    const wish = {
      commonName: 'system:node:worker-7',
      organizations: ['system:nodes'],
      hosts: ['worker-7'],
      signerName: 'kubernetes.io/kubelet-serving',
      usages: ['digital signature', 'server auth'],
    }
    await refused(
      requestCertificate(admin, wish, newKey('ECDSA-P256'), { clock: quietWorld.clock, timeoutMs: 100 }),
      /^the certificate request node-csr-[0-9a-f]+ was not signed in time$/,
      /kubectl certificate approve/,
    )
  })

  test('with neither kubeconfig is told what to do', async () => {
    await refused(
      bootstrapKubelet(newHost(), { nodeName: 'worker-4' }),
      /\/etc\/kubernetes\/kubelet\.conf is not there, and there is no bootstrap kubeconfig/,
      /coracle join/,
    )
  })

  test('asks for a serving certificate with its names, which waits for an approval [CFG-19]', async () => {
    const host = await bootstrapped('worker-5')
    const end = new AbortController()
    const got = Promise.withResolvers<string>()
    const serving = { kind: 'server', nodeName: 'worker-5', hosts: () => ['worker-5', '10.0.0.5'] } as const
    const kept = keepFresh(serving, { signal: end.signal, changed: (pair) => got.resolve(pair.certificate) }, host)
    const request = await approved((each) => each.spec.username === 'system:node:worker-5')
    assert.equal(request.spec.signerName, 'kubernetes.io/kubelet-serving')
    const certificate = new X509Certificate(await got.promise)
    assert.equal(certificate.subjectAltName, 'DNS:worker-5, IP Address:10.0.0.5')
    assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1'])
    end.abort()
    await kept
  })

  /** The first request of that kind, as soon as there is one, with an approval. */
  async function approved(
    isMeant: (request: CertificateSigningRequest) => boolean,
  ): Promise<CertificateSigningRequest> {
    const end = new AbortController()
    for await (const event of admin.watch(CertificateSigningRequest, { sendInitialEvents: true, signal: end.signal })) {
      if (event.type !== 'ADDED' || !isMeant(event.object)) continue
      end.abort()
      const conditions = [{ type: 'Approved', status: 'True', reason: 'ByHand' }]
      return admin.update(
        CertificateSigningRequest,
        { ...event.object, status: { conditions } },
        { subresource: 'approval' },
      )
    }
    throw new Error('the watch ended')
  }
})

describe('what control planes share', () => {
  const shared = { settings }

  async function firstControlPlane() {
    const host = newHost()
    await createCertificates(settings, host, silent)
    return host
  }

  test('goes through the cluster, encrypted, under a key that is new each time [JOI-10 JOI-11 JOI-13]', async () => {
    const [first, second] = [await firstControlPlane(), newHost()]
    const [key, lines] = [newCertificateKey(quietWorld.random), [] as string[]]
    assert.match(key, /^[0-9a-f]{64}$/)
    await uploadCertificates(admin, shared, key, first, (line) => lines.push(line))
    assert.deepEqual(lines, [
      '[upload-certs] Storing the certificates in Secret "kubeadm-certs" in the "kube-system" Namespace',
    ])
    const { data } = await admin.get(Secret, { namespace: 'kube-system', name: 'kubeadm-certs' })
    assert.deepEqual(Object.keys(data!).sort(), [
      'ca.crt',
      'ca.key',
      'etcd-ca.crt',
      'etcd-ca.key',
      'front-proxy-ca.crt',
      'front-proxy-ca.key',
      'sa.key',
      'sa.pub',
    ])
    assert.ok(Object.values(data!).every((text) => !Buffer.from(text, 'base64').includes('BEGIN')))

    // Whoever joins reads it with the token of nodes.
    await using joining = connect({ ...served.admin, server: served.url, token: await tokenOf() })
    await using stranger = connect({
      server: served.url,
      certificateAuthority: served.certificateAuthority,
      token: await tokenOf(),
    })
    await downloadCertificates(stranger, shared, key, second, silent)
    for (const file of ['ca.crt', 'ca.key', 'etcd/ca.key', 'front-proxy-ca.crt', 'sa.key', 'sa.pub'])
      assert.equal(
        await second.disk.read(`/etc/kubernetes/pki/${file}`),
        await first.disk.read(`/etc/kubernetes/pki/${file}`),
      )
    assert.equal(second.disk.modeOf('/etc/kubernetes/pki/ca.key'), 0o600)

    const next = newCertificateKey(quietWorld.random)
    await uploadCertificates(admin, shared, next, first, silent)
    const third = newHost()
    await refused(
      downloadCertificates(joining, shared, key, third, silent),
      /error decoding secret data with provided key: cipher: message authentication failed/,
      /not the one of the last upload/,
    )
    assert.deepEqual(await third.disk.list('/etc/kubernetes/pki'), [])
    await refused(
      downloadCertificates(joining, shared, 'abc', third, silent),
      /must be 64 hexadecimal digits/,
      /certificate-key/,
    )
  })

  test('is brought along when an authority is replaced, step by step', async () => {
    const [first, second] = [await firstControlPlane(), newHost()]
    const toolsOf = (host: typeof second) => ({ set: controlPlaneSet(settings), settings, world: host, print: silent })
    const handOver = async () => {
      const key = newCertificateKey(quietWorld.random)
      await uploadCertificates(admin, shared, key, first, silent)
      await downloadCertificates(admin, shared, key, second, silent)
    }
    const both = (file: string) =>
      Promise.all([first, second].map(({ disk }) => disk.read(`/etc/kubernetes/pki/${file}`)))
    await handOver()
    await createCertificates({ ...settings, nodeName: 'cp-2' }, second, silent)
    const bundles: number[] = []
    for (const step of rotationSteps) {
      await rotateStep(step, authorities[0]!, toolsOf(first))
      await handOver()
      await rotateStep(step, authorities[0]!, toolsOf(second))
      const [ours, theirs] = await both('ca.crt')
      assert.equal(theirs, ours)
      const serving = new X509Certificate((await second.disk.read('/etc/kubernetes/pki/apiserver.crt'))!)
      assert.ok(isSignedBy(serving, ours!), step)
      bundles.push(pinsOf(ours!).length)
      const [ourNext, theirNext] = await both('ca-next.key')
      assert.equal(theirNext, ourNext)
    }
    assert.deepEqual(bundles, [2, 2, 1])
  })

  test('is gone with its token after two hours [JOI-12]', async () => {
    const host = await firstControlPlane()
    const key = newCertificateKey(quietWorld.random)
    await uploadCertificates(admin, shared, key, host, silent)
    const { tokens } = await listTokens(admin)
    const proxy = tokens.filter(
      ({ description }) => description === 'Proxy for managing TTL for the kubeadm-certs secret',
    )
    const { metadata } = await admin.get(Secret, { namespace: 'kube-system', name: 'kubeadm-certs' })
    const [owner] = metadata.ownerReferences!
    const current = proxy.find(({ token }) => owner!.name === `bootstrap-token-${token.id}`)!
    assert.deepEqual([current.usages, current.groups], [[], []])
    assert.ok(Math.abs(current.expiresAtMs! - quietWorld.clock.now() - 2 * 3_600_000) < 60_000)

    await admin.delete(Secret, { namespace: 'kube-system', name: owner!.name })
    await gone('kubeadm-certs')
    await refused(
      downloadCertificates(admin, shared, key, newHost(), silent),
      /Secret "kubeadm-certs" was not found in the "kube-system" Namespace\. This Secret might have expired/,
      /upload-certs --upload-certs/,
    )
  })

  async function gone(name: string): Promise<void> {
    const end = new AbortController()
    const options = { namespace: 'kube-system', fieldSelector: `metadata.name=${name}`, signal: end.signal }
    for await (const event of admin.watch(Secret, { ...options, sendInitialEvents: true, allowWatchBookmarks: true })) {
      if (event.type === 'DELETED') end.abort()
      if (event.type === 'BOOKMARK' && (await isGone(name))) end.abort()
    }
  }

  const isGone = (name: string) =>
    admin.get(Secret, { namespace: 'kube-system', name }).then(
      () => false,
      (error) => isNotFound(error),
    )
})

test('a node trusts the authorities that its cluster names while one replaces another, and none that is a stranger', async () => {
  const host = newHost()
  const [trusted, kubeconfig] = [served.certificateAuthority, '/etc/kubernetes/kubelet.conf']
  const { clientCertificate: certificate, clientKey: key } = served.admin
  const content = { clusterName: 'c', server: served.url, certificateAuthority: trusted, user: 'node' }
  await host.disk.write(kubeconfig, writeKubeconfig({ ...content, credential: { certificate, key } }))
  await host.disk.write('/etc/kubernetes/pki/ca.crt', trusted)
  const named = (certificateAuthority: string) =>
    publishClusterInfo(admin, { server: served.url, certificateAuthority }, silent)
  const trusts = async () => (await readEndpoint(host.disk, kubeconfig)).certificateAuthority
  const next = createAuthority('kubernetes', quietWorld).certificate

  assert.equal(await followTrust(host), false)
  await named(next)
  assert.equal(await followTrust(host), false)
  assert.equal(await trusts(), trusted)

  await named(trusted + next)
  assert.equal(await followTrust(host), true)
  assert.deepEqual(
    [await trusts(), await host.disk.read('/etc/kubernetes/pki/ca.crt')],
    [trusted + next, trusted + next],
  )
  assert.equal(await isOutgoing(certificate, host.disk, kubeconfig), false)

  // The new one signs by now: what the old one has signed is to be asked for anew.
  await named(next + trusted)
  assert.equal(await followTrust(host), true)
  assert.equal(await isOutgoing(certificate, host.disk, kubeconfig), true)
  await named(trusted)
})

test('cluster-info may be published again: what it was signed with stays', async () => {
  const token = await tokenOf()
  await discover({ token })
  await publishClusterInfo(admin, { server: served.url, certificateAuthority: served.certificateAuthority }, silent)
  const { data } = await admin.get(ConfigMap, { namespace: 'kube-public', name: 'cluster-info' })
  assert.ok(data![`jws-kubeconfig-${token.slice(0, 6)}`])
})
