import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { Client } from '../../src/client/client.ts'
import type { KubeconfigEndpoint } from '../../src/client/kubeconfig.ts'
import { type Cluster, startCluster } from '../../src/cluster/cluster.ts'
import { CertificateSigningRequest } from '../../src/kinds/certificates/certificate-signing-request.ts'
import { ConfigMap } from '../../src/kinds/core/config-map.ts'
import { Node } from '../../src/kinds/core/node.ts'
import { Secret } from '../../src/kinds/core/secret.ts'
import { createCertificates, type PkiWorld } from '../../src/lifecycle/pki/create.ts'
import { expiryWarnings, readExpiry } from '../../src/lifecycle/pki/expiry.ts'
import { isSignedBy } from '../../src/lifecycle/pki/files.ts'
import { createKubeconfigs, readEndpoint } from '../../src/lifecycle/pki/kubeconfigs.ts'
import { membersNamed, renewCertificates } from '../../src/lifecycle/pki/renew.ts'
import { controlPlaneSet } from '../../src/lifecycle/pki/set.ts'
import { defaultPkiSettings } from '../../src/lifecycle/pki/settings.ts'
import { allowBootstrapTokens, publishClusterInfo } from '../../src/lifecycle/tokens/access.ts'
import { bootstrapKubeconfig } from '../../src/lifecycle/tokens/discovery.ts'
import {
  bootstrapKubelet,
  type KubeletCertificate,
  type KubeletWorld,
  keepFresh,
  readKubeletCertificate,
} from '../../src/lifecycle/tokens/kubelet-certificate.ts'
import { createTokens, defaultTokenGroup, defaultTokenUsages, listTokens } from '../../src/lifecycle/tokens/secrets.ts'
import { newToken, parseToken, tokenText } from '../../src/lifecycle/tokens/token.ts'
import { newCertificateKey, uploadCertificates } from '../../src/lifecycle/tokens/upload.ts'
import { ApiError, isNotFound } from '../../src/schema/status.ts'
import { seededRandom, VirtualClock } from '../../src/world/virtual.ts'
import { VirtualDisk } from '../../src/world/virtual-host.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** Watches say every minute how far they are. Here they do so every six hours: a year has 8,000 minutes for each. */
class PatientClock extends VirtualClock {
  override timer(delayMs: number, run: () => void): () => void {
    return super.timer(delayMs === 60_000 ? 6 * hourMs : delayMs, run)
  }
}

/** A cluster in virtual time with the files of its control plane, and a worker that has just joined. */
const clock = new PatientClock(Date.UTC(2026, 0, 1))
const random = seededRandom(3)
const warnings: string[] = []
const world: PkiWorld & KubeletWorld = {
  clock,
  random,
  disk: new VirtualDisk(),
  log: (level, message) => void (level === 'warn' || level === 'error' ? warnings.push(message) : undefined),
  connect,
}
const settings = { ...defaultPkiSettings, nodeName: 'cp-1', advertiseAddress: '10.0.0.1' }
const worker: KubeletCertificate = { kind: 'client', nodeName: 'worker-1' }
const silent = () => {}
const end = new AbortController()
const rotations: number[] = []
let cluster: Cluster
let rotating: Promise<void>

/** As the server lets in: by a certificate of the authority that holds now, or by a token that holds now. */
function connect({ clientCertificate, token }: KubeconfigEndpoint): Client & AsyncDisposable {
  const user = clientCertificate === undefined ? userOfToken(token!) : userOfCertificate(clientCertificate)
  return Object.assign(cluster.client.as(user), { async [Symbol.asyncDispose]() {} })
}

let authority: string

function userOfCertificate(pem: string) {
  const certificate = new X509Certificate(pem)
  const [from, to] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()]
  if (!isSignedBy(certificate, authority) || clock.now() < from || clock.now() >= to) {
    throw new ApiError('Unauthorized', 'Unauthorized')
  }
  const { CN, O = [] } = certificate.toLegacyObject().subject as unknown as { CN: string; O?: string | string[] }
  return { name: CN, groups: [...[O].flat(), 'system:authenticated'] }
}

function userOfToken(text: string) {
  const { id } = parseToken(text)
  return { name: `system:bootstrap:${id}`, groups: ['system:bootstrappers', defaultTokenGroup, 'system:authenticated'] }
}

before(async () => {
  await createCertificates(settings, world, silent)
  await createKubeconfigs(settings, world, silent)
  authority = (await world.disk.read('/etc/kubernetes/pki/ca.crt'))!
  const key = (await world.disk.read('/etc/kubernetes/pki/ca.key'))!
  const controllers = [
    'bootstrap-signer-controller',
    'token-cleaner-controller',
    'certificatesigningrequest-approving-controller',
    'certificatesigningrequest-signing-controller',
    'certificatesigningrequest-cleaner-controller',
    'garbage-collector-controller',
  ]
  cluster = await startCluster({
    world,
    nodes: 0,
    metrics: false,
    controllers,
    certificateAuthority: authority,
    certificateAuthorityKey: key,
  })
  const { client } = cluster
  await allowBootstrapTokens(client, silent)
  await publishClusterInfo(client, { server: 'https://10.0.0.1:6443', certificateAuthority: authority }, silent)
  const usual = { usages: defaultTokenUsages, groups: [defaultTokenGroup] }
  const token = newToken(random)
  await createTokens(client, [
    { token, ...usual, expiresAtMs: clock.now() + dayMs },
    { token: parseToken('abcdef.0123456789abcdef'), ...usual, description: 'for ever' },
  ])
  await uploadCertificates(client, { settings }, newCertificateKey(random), world, silent)
  await cluster.settle()

  const found = { server: 'https://10.0.0.1:6443', certificateAuthority: authority }
  await world.disk.remove('/etc/kubernetes/kubelet.conf')
  await world.disk.write('/etc/kubernetes/bootstrap-kubelet.conf', bootstrapKubeconfig(found, tokenText(token)))
  const bootstrapped = bootstrapKubelet(world, { nodeName: 'worker-1' })
  await cluster.settle()
  assert.equal(await bootstrapped, true)
  await connect(await readEndpoint(world.disk, '/etc/kubernetes/kubelet.conf')).create(Node, {
    metadata: { name: 'worker-1' },
  })
  rotating = keepFresh(
    worker,
    { signal: end.signal, lookMs: dayMs, changed: () => void rotations.push(clock.now()) },
    world,
  )
})

after(async () => {
  end.abort()
  await rotating
  await cluster[Symbol.asyncDispose]()
})

describe('a year and a day', () => {
  const start = clock.now()
  const until = async (ms: number) => cluster.advance(start + ms - clock.now())

  test('after two hours the certificates that control planes share are gone with their token [JOI-12]', async () => {
    const names = async () =>
      (await listTokens(cluster.client)).tokens.map(({ description = '' }) => description).sort()
    const proxy = 'Proxy for managing TTL for the kubeadm-certs secret'
    await until(2 * hourMs - 60_000)
    assert.deepEqual(await names(), ['', proxy, 'for ever'])
    await cluster.client.get(Secret, { namespace: 'kube-system', name: 'kubeadm-certs' })
    await until(2 * hourMs + 60_000)
    assert.deepEqual(await names(), ['', 'for ever'])
    await assert.rejects(cluster.client.get(Secret, { namespace: 'kube-system', name: 'kubeadm-certs' }), isNotFound)
  })

  test('after a day the token is gone, and so is its signature; the one for ever stays [INI-09 JOI-18]', async () => {
    const signed = async () => {
      const { data } = await cluster.client.get(ConfigMap, { namespace: 'kube-public', name: 'cluster-info' })
      return Object.keys(data!).filter((key) => key.startsWith('jws-')).length
    }
    await until(dayMs - hourMs)
    assert.equal(await signed(), 2)
    await until(dayMs + hourMs)
    assert.deepEqual(
      (await listTokens(cluster.client)).tokens.map(({ token }) => token.id),
      ['abcdef'],
    )
    assert.equal(await signed(), 1)
    assert.equal((await cluster.client.list(CertificateSigningRequest)).items.length, 0)
  })

  test('the kubelet renews its certificate by itself in the last third, and is let in on every day [CRT-06]', async () => {
    for (let day = 2; day <= 330; day += 4) {
      await until(day * dayMs)
      await connect(await readEndpoint(world.disk, '/etc/kubernetes/kubelet.conf')).get(Node, { name: 'worker-1' })
    }
    assert.equal(rotations.length, 1)
    const life = (rotations[0]! - start) / (365 * dayMs)
    assert.ok(life >= 0.7 && life <= 0.9, `at ${life} of its life`)
  })

  test('the control plane is told of its own from 30 days before the end on, and renews them', async () => {
    const set = controlPlaneSet(settings)
    const said = async () => expiryWarnings(await readExpiry(set, settings, world.disk), clock)
    await until(334 * dayMs)
    assert.deepEqual(await said(), [])
    await until(340 * dayMs)
    assert.equal((await said()).length, 11)
    await renewCertificates(membersNamed(set, 'all'), settings, world, {}, silent)
    assert.deepEqual(await said(), [])
  })

  test('and the day after the year everybody is let in', async () => {
    await until(366 * dayMs)
    for (const name of ['admin', 'controller-manager', 'scheduler', 'kubelet']) {
      await connect(await readEndpoint(world.disk, `/etc/kubernetes/${name}.conf`))
        .get(Node, { name: 'worker-1' })
        .catch(
          // admin.conf's group is bound by init; that it is let in is what counts here.
          (error) => assert.equal((error as ApiError).reason, 'Forbidden'),
        )
    }
    const pair = await readKubeletCertificate(world.disk, worker)
    assert.ok(new X509Certificate(pair!.certificate).validToDate.getTime() > clock.now() + 100 * dayMs)
    assert.deepEqual(warnings, [])
  })
})
