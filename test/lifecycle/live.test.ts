import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { connect as tlsConnect } from 'node:tls'
import { runCommand } from '../../src/cli/command.ts'
import { certs } from '../../src/cli/commands/certs.ts'
import { token } from '../../src/cli/commands/token.ts'
import { HttpClient } from '../../src/client/http.ts'
import type { ServedCluster } from '../../src/cluster/serve.ts'
import { CertificateSigningRequest } from '../../src/kinds/certificates/certificate-signing-request.ts'
import { ConfigMap } from '../../src/kinds/core/config-map.ts'
import { Secret } from '../../src/kinds/core/secret.ts'
import { LifecycleError } from '../../src/lifecycle/failure.ts'
import { putIntoKubeconfig } from '../../src/lifecycle/kubeconfig.ts'
import { newKey } from '../../src/lifecycle/pki/create.ts'
import { membersNamed, renewCertificates } from '../../src/lifecycle/pki/renew.ts'
import { rotationSteps } from '../../src/lifecycle/pki/rotate.ts'
import { localSet } from '../../src/lifecycle/pki/set.ts'
import { defaultPkiSettings } from '../../src/lifecycle/pki/settings.ts'
import { publishClusterInfo } from '../../src/lifecycle/tokens/access.ts'
import { httpConnect } from '../../src/lifecycle/tokens/connect.ts'
import { discoverByToken } from '../../src/lifecycle/tokens/discovery.ts'
import { pinsOf } from '../../src/lifecycle/tokens/pins.ts'
import { requestCertificate } from '../../src/lifecycle/tokens/request-certificate.ts'
import { createTokens, deleteToken } from '../../src/lifecycle/tokens/secrets.ts'
import { newToken, tokenText } from '../../src/lifecycle/tokens/token.ts'
import { isNotFound } from '../../src/schema/status.ts'
import { clientOf, quietWorld, serve } from '../support/served.ts'

/** A cluster as `coracle up` runs one, on a folder; and commands typed beside it. */
let home: string
let dataDir: string
let served: ServedCluster
let admin: HttpClient

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'coracle-live-'))
  dataDir = join(home, 'data')
  served = await serve({ dataDir, apiOnly: false })
  admin = clientOf(served)
  await writeFile(join(home, 'admin.conf'), putIntoKubeconfig(undefined, { name: 'up', ...served.admin }))
})
after(async () => {
  await admin[Symbol.asyncDispose]()
  await served[Symbol.asyncDispose]()
  await rm(home, { recursive: true })
})

async function run(...args: readonly string[]) {
  const [out, err] = [[] as string[], [] as string[]]
  const code = await runCommand(
    [certs, token],
    args,
    {
      world: quietWorld,
      env: { HOME: home, KUBECONFIG: join(home, 'admin.conf') },
      print: (text) => void out.push(...text.split('\n')),
      interrupted: new Promise(() => {}),
      tellParent() {},
    },
    (text) => err.push(text),
  )
  return { code, out, err }
}

async function says(...args: readonly string[]): Promise<readonly string[]> {
  const { code, out, err } = await run(...args)
  assert.equal(code, 0, err.join('\n'))
  return out
}

/** The certificate that a new connection is shown. */
function shown(): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const socket = tlsConnect({ host: '127.0.0.1', port: served.port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()!)
      socket.destroy()
    })
    socket.once('error', reject)
  })
}

/** Until a new connection is shown a certificate that is not that one. */
async function shownOther(than: X509Certificate): Promise<X509Certificate> {
  for (;;) {
    const certificate = await shown()
    if (certificate.fingerprint256 !== than.fingerprint256) return certificate
    await quietWorld.clock.after(20)
  }
}

describe('a cluster whose certificates are renewed', () => {
  test('takes them up without a restart, and a watch that is open goes on [CRT-05]', async () => {
    const end = new AbortController()
    const seen: string[] = []
    const begun = Promise.withResolvers<void>()
    const got = Promise.withResolvers<void>()
    const watching = (async () => {
      const options = { namespace: 'default', sendInitialEvents: true, allowWatchBookmarks: true, signal: end.signal }
      for await (const event of admin.watch(ConfigMap, options)) {
        if (event.type === 'BOOKMARK') begun.resolve()
        else seen.push(event.object.metadata.name!)
        if (seen.includes('after')) got.resolve()
      }
    })()
    await begun.promise

    const before = await shown()
    const lines = await says('certs', 'renew', 'all', '--data-dir', dataDir, '--validity', '100h')
    assert.deepEqual(lines, [
      'certificate of the administrator renewed',
      'certificate for serving the Kubernetes API renewed',
      'certificate for the front proxy client renewed',
      '',
      'Done renewing certificates. A cluster that runs takes them up by itself: no restart is needed.',
      'The credential in your kubeconfig is still the old one: "coracle up" puts the new one there, "coracle kubeconfig" prints it.',
    ])
    const after = await shownOther(before)
    assert.equal(after.subjectAltName, before.subjectAltName)
    const file = new X509Certificate(await readFile(join(dataDir, 'pki/apiserver.crt')))
    assert.equal(after.fingerprint256, file.fingerprint256)

    // The old credential still holds, and so does the new one.
    await using other = new HttpClient({
      ...quietWorld,
      ...served.admin,
      clientCertificate: await readFile(join(dataDir, 'pki/admin.crt'), 'utf8'),
      clientKey: await readFile(join(dataDir, 'pki/admin.key'), 'utf8'),
    })
    await other.create(ConfigMap, { metadata: { namespace: 'default', name: 'after' } })
    await got.promise
    end.abort()
    await watching
  })

  test('renews by itself what ends within 30 days', async () => {
    const before = new X509Certificate(await readFile(join(dataDir, 'pki/apiserver.crt')))
    assert.ok(before.validToDate.getTime() < quietWorld.clock.now() + 200 * 3_600_000)
    await admin[Symbol.asyncDispose]()
    await served[Symbol.asyncDispose]()
    served = await serve({ dataDir, apiOnly: false })
    admin = clientOf(served)
    const certificate = await shownOther(before)
    assert.ok(certificate.validToDate.getTime() > quietWorld.clock.now() + 300 * 24 * 3_600_000)
    await writeFile(join(home, 'admin.conf'), putIntoKubeconfig(undefined, { name: 'up', ...served.admin }))
  })

  test('tells when they end', async () => {
    const lines = await says('certs', 'check-expiration', '--data-dir', dataDir)
    assert.deepEqual(
      lines.map((line) => line.split(/ {2,}/)[0]),
      ['CERTIFICATE', 'admin', 'apiserver', 'front-proxy-client', '', 'CERTIFICATE AUTHORITY', 'ca', 'front-proxy-ca'],
    )
  })
})

test('a server whose certificate begins tomorrow, by the clock of this host, is not believed, and the clock is named', async () => {
  const { clock } = quietWorld
  const ahead = { ...quietWorld, clock: { ...clock, now: () => clock.now() + 24 * 3_600_000 } }
  const settings = {
    ...defaultPkiSettings,
    nodeName: 'h',
    advertiseAddress: '127.0.0.1',
    certificatesDir: `${dataDir}/pki`,
  }
  const asked = newToken(quietWorld.random)
  await createTokens(served.cluster.client, [{ token: asked, usages: ['signing'], groups: [] }])
  const { url, certificateAuthority } = served
  await publishClusterInfo(served.cluster.client, { server: url, certificateAuthority }, () => {})
  const before = await shown()
  await renewCertificates(membersNamed(localSet, 'apiserver'), settings, ahead, {}, () => {})
  await shownOther(before)
  const discovery = {
    endpoint: url.replace('https://', ''),
    token: tokenText(asked),
    caCertHashes: pinsOf(certificateAuthority),
  }
  await assert.rejects(discoverByToken(discovery, { clock, connect: httpConnect(quietWorld) }), (error) => {
    assert.ok(error instanceof LifecycleError)
    assert.match(error.message, /certificate is not yet valid/)
    assert.match(error.hint!, /^this host's clock says .*: when that is wrong, set it/)
    return true
  })
  const wrong = await shown()
  await renewCertificates(membersNamed(localSet, 'apiserver'), settings, quietWorld, {}, () => {})
  await shownOther(wrong)
  await deleteToken(served.cluster.client, asked.id)
})

test('what has expired is refused on both sides, and renewed all the same [CRT-18]', async () => {
  const { clock } = quietWorld
  const back = { ...quietWorld, clock: { ...clock, now: () => clock.now() - 400 * 24 * 3_600_000 } }
  const host = { nodeName: 'h', advertiseAddress: '127.0.0.1' }
  const settings = { ...defaultPkiSettings, ...host, certificatesDir: `${dataDir}/pki` }
  const renew = (name: string) => renewCertificates(membersNamed(localSet, name), settings, back, {}, () => {})
  const asAdministrator = async () => {
    await using client = new HttpClient({
      ...quietWorld,
      ...served.admin,
      clientCertificate: await readFile(join(dataDir, 'pki/admin.crt'), 'utf8'),
      clientKey: await readFile(join(dataDir, 'pki/admin.key'), 'utf8'),
    })
    await client.list(ConfigMap, { namespace: 'default' })
  }
  await asAdministrator()
  await renew('admin')
  await assert.rejects(asAdministrator(), /Unauthorized/)
  const before = await shown()
  await renew('apiserver')
  const expired = await shownOther(before)
  await assert.rejects(asAdministrator(), /certificate has expired/)
  const lines = await says('certs', 'check-expiration', '--data-dir', dataDir)
  for (const name of ['admin', 'apiserver'])
    assert.match(lines.find((line) => line.startsWith(`${name} `))!, /<invalid>/)
  await says('certs', 'renew', 'all', '--data-dir', dataDir)
  await shownOther(expired)
  await asAdministrator()
})

describe('token', () => {
  test('generate prints one that nobody knows', async () => {
    const [text] = await says('token', 'generate')
    assert.match(text!, /^[a-z0-9]{6}\.[a-z0-9]{16}$/)
    assert.deepEqual(await says('token', 'list'), [])
  })

  test('create makes one of a day, for nodes that join; list shows it, delete ends it [JOI-14]', async () => {
    const [text = ''] = await says('token', 'create')
    const [id, secret] = text.split('.')
    const { type, data = {} } = await admin.get(Secret, { namespace: 'kube-system', name: `bootstrap-token-${id}` })
    const decoded = Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
    )
    const expiration = decoded['expiration']!
    assert.ok(Math.abs(Date.parse(expiration) - quietWorld.clock.now() - 24 * 3_600_000) < 60_000)
    assert.equal(type, 'bootstrap.kubernetes.io/token')
    assert.deepEqual(decoded, {
      'token-id': id,
      'token-secret': secret,
      expiration,
      'usage-bootstrap-authentication': 'true',
      'usage-bootstrap-signing': 'true',
      'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token',
    })
    const wide = (column: string) => column.padEnd(59)
    assert.deepEqual(await says('token', 'list'), [
      `TOKEN                     TTL         EXPIRES                USAGES                   ${wide('DESCRIPTION')}EXTRA GROUPS`,
      `${text}   23h         ${expiration}   authentication,signing   ${wide('<none>')}system:bootstrappers:kubeadm:default-node-token`,
    ])
    assert.deepEqual(await says('token', 'delete', text), [`bootstrap token "${id}" deleted`])
    await assert.rejects(admin.get(Secret, { namespace: 'kube-system', name: `bootstrap-token-${id}` }), isNotFound)
  })

  test('create --ttl 0 makes one that never expires, of the text that was asked for [INI-09]', async () => {
    const asked = ['--ttl', '0', '--usages', 'signing', '--groups', '', '--description', 'a b']
    assert.deepEqual(await says('token', 'create', 'abcdef.0123456789abcdef', ...asked), ['abcdef.0123456789abcdef'])
    assert.deepEqual(
      (await says('token', 'list')).at(-1),
      `abcdef.0123456789abcdef   <forever>   <never>   signing                  ${'a b'.padEnd(59)}<none>`,
    )
    const listed = JSON.parse((await says('token', 'list', '-o', 'json')).join('\n'))
    assert.deepEqual(listed, {
      kind: 'BootstrapToken',
      apiVersion: 'output.kubeadm.k8s.io/v1alpha3',
      token: 'abcdef.0123456789abcdef',
      description: 'a b',
      usages: ['signing'],
    })
    const again = await run('token', 'create', 'abcdef.0123456789abcdef')
    assert.deepEqual([again.code, again.err[0]], [1, 'error: a token with id "abcdef" already exists'])
    assert.deepEqual(await says('token', 'delete', 'abcdef'), ['bootstrap token "abcdef" deleted'])
  })

  test('create --print-join-command prints the whole command, in one line [JOI-15 JOI-16]', async () => {
    const pin = pinsOf(served.certificateAuthority)[0]
    const endpoint = served.url.replace('https://', '')
    const worker = await says('token', 'create', '--print-join-command')
    assert.equal(worker.length, 1)
    assert.match(
      worker[0]!,
      new RegExp(`^coracle join ${endpoint} --token [a-z0-9]{6}\\.[a-z0-9]{16} --discovery-token-ca-cert-hash ${pin}$`),
    )
    const [key = ''] = await says('certs', 'certificate-key')
    const [controlPlane] = await says('token', 'create', '--print-join-command', '--certificate-key', key)
    assert.ok(controlPlane!.endsWith(`${pin} --control-plane --certificate-key ${key}`))
  })

  for (const [line, code, message] of [
    [
      'create abc',
      1,
      /^error: the bootstrap token "abc" was not of the form "\\A\(\[a-z0-9\]\{6\}\)\\\.\(\[a-z0-9\]\{16\}\)\\z"$/,
    ],
    ['create --ttl soon', 2, /^error: --ttl is a time such as 24h or 0, not "soon"$/],
    ['create --usages teaching', 1, /valid bootstrap token usages: signing,authentication/],
    ['create --groups admins', 1, /bootstrap group "admins" is invalid \(must match/],
    ['create --print-join-command --certificate-key 12', 1, /error decoding certificate key/],
    ['delete', 2, /is missing token of form/],
    ['delete ABC', 1, /given token "ABC" didn't match pattern/],
    ['delete zzzzzz', 1, /failed to delete bootstrap token "zzzzzz": secrets "bootstrap-token-zzzzzz" not found/],
    ['list -o xml', 2, /--output knows text, json and yaml/],
    ['list --kubeconfig /nowhere', 1, /failed to load kubeconfig: \/nowhere is not there/],
  ] as const) {
    test(`${line}: refused`, async () => {
      const said = await run('token', ...line.split(' '))
      assert.equal(said.code, code)
      assert.match(said.err[0]!, message)
    })
  }
})

/** A certificate that the cluster has signed. */
async function signedFor(client: HttpClient, commonName: string): Promise<string> {
  const wish = {
    ...{ commonName, organizations: [], signerName: 'kubernetes.io/kube-apiserver-client' },
    usages: ['digital signature', 'client auth'],
  }
  const signed = requestCertificate(client, wish, newKey('ECDSA-P256'), { clock: quietWorld.clock, timeoutMs: 20_000 })
  for (;;) {
    const { items } = await client.list(CertificateSigningRequest)
    const mine = items.find(({ status }) => status.conditions === undefined)
    if (mine === undefined) continue
    const conditions = [{ type: 'Approved', status: 'True', reason: 'ByHand', message: 'by hand' }]
    await client.update(CertificateSigningRequest, { ...mine, status: { conditions } }, { subresource: 'approval' })
    return signed
  }
}

test('another authority is taken up step by step, and nothing is restarted', async () => {
  const read = (name: string) => readFile(join(dataDir, 'pki', name), 'utf8')
  const old = await read('ca.crt')
  const admin = await Promise.all([read('admin.crt'), read('admin.key')])
  const as = (certificateAuthority: string, [clientCertificate, clientKey]: readonly string[]) =>
    new HttpClient({
      ...quietWorld,
      server: served.url,
      ...{ certificateAuthority, clientCertificate: clientCertificate!, clientKey: clientKey! },
    })
  /** What pods and aggregated servers are told to trust. */
  const told = async (client: HttpClient) => {
    const root = await client.get(ConfigMap, { namespace: 'default', name: 'kube-root-ca.crt' })
    const front = { namespace: 'kube-system', name: 'extension-apiserver-authentication' }
    return [root.data?.['ca.crt'], (await client.get(ConfigMap, front)).data?.['client-ca-file']]
  }
  for (const step of rotationSteps) {
    const before = await shown()
    const lines = await says('certs', 'rotate-ca', 'ca', '--data-dir', dataDir, '--step', step)
    const bundle = await read('ca.crt')
    if (step === 'reissue') await shownOther(before)
    await using client = as(bundle, await Promise.all([read('admin.crt'), read('admin.key')]))
    while ((await told(client)).some((text) => text !== bundle)) await quietWorld.clock.after(20)
    // A request is signed by the first of the bundle.
    const signed = await signedFor(client, `rotation-${step}`)
    assert.ok(new X509Certificate(signed).verify(new X509Certificate(bundle).publicKey), step)
    assert.doesNotMatch(lines.join('\n'), /restart/i)
  }
  await using stranger = as(await read('ca.crt'), admin)
  await assert.rejects(stranger.list(ConfigMap, { namespace: 'default' }), /Unauthorized/)
  await using other = as(old, admin)
  await assert.rejects(
    other.list(ConfigMap, { namespace: 'default' }),
    /certificate signature failure|unable to|self.signed/,
  )
})
