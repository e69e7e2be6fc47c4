import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { describe, test } from 'node:test'
import { VirtualHost } from '../../world/virtual-host.ts'
import { LifecycleError } from '../failure.ts'
import { createCertificates, loadOrCreateCertificate, readAuthority, sharedCertificateFaults } from './create.ts'
import { createKubeconfigs, readCluster } from './kubeconfigs.ts'
import { defaultPkiSettings, type PkiSettings } from './settings.ts'
import { authorities, certificates } from './specs.ts'

const settings: PkiSettings = {
  ...defaultPkiSettings,
  nodeName: 'master01.k8s.hs.com',
  advertiseAddress: '10.0.0.1',
  controlPlaneEndpoint: 'k8s-api.k8s.hs.com:6443',
}
const folder = settings.certificatesDir

interface Host {
  readonly world: VirtualHost
  readonly lines: string[]
  print(line: string): void
}

function host(): Host {
  const lines: string[] = []
  return { world: new VirtualHost(7), lines, print: (line) => void lines.push(line) }
}

async function initialized(of: Partial<PkiSettings> = {}): Promise<Host & { readonly settings: PkiSettings }> {
  const made = host()
  const mine = { ...settings, ...of }
  await createCertificates(mine, made.world, made.print)
  await createKubeconfigs(mine, made.world, made.print)
  return { ...made, settings: mine }
}

const certificateAt = async ({ world }: Host, name: string) =>
  new X509Certificate((await world.disk.read(`${folder}/${name}.crt`))!)

/** What it is for, in words. */
const purposes = (certificate: X509Certificate) =>
  (certificate.keyUsage ?? []).map((id) => ({ '1.3.6.1.5.5.7.3.1': 'server', '1.3.6.1.5.5.7.3.2': 'client' })[id])

describe('the set of a control plane', () => {
  test("is written under kubeadm's names, and told in its words [CRT-16]", async () => {
    const { world, lines } = await initialized()
    assert.deepEqual(lines, [
      '[certs] Using certificateDir folder "/etc/kubernetes/pki"',
      '[certs] Generating "ca" certificate and key',
      '[certs] Generating "apiserver" certificate and key',
      '[certs] apiserver serving cert is signed for DNS names [k8s-api.k8s.hs.com kubernetes kubernetes.default kubernetes.default.svc kubernetes.default.svc.cluster.local master01.k8s.hs.com] and IPs [10.96.0.1 10.0.0.1]',
      '[certs] Generating "apiserver-kubelet-client" certificate and key',
      '[certs] Generating "front-proxy-ca" certificate and key',
      '[certs] Generating "front-proxy-client" certificate and key',
      '[certs] Generating "etcd/ca" certificate and key',
      '[certs] Generating "etcd/server" certificate and key',
      '[certs] etcd/server serving cert is signed for DNS names [localhost master01.k8s.hs.com] and IPs [10.0.0.1 127.0.0.1 ::1]',
      '[certs] Generating "etcd/peer" certificate and key',
      '[certs] etcd/peer serving cert is signed for DNS names [localhost master01.k8s.hs.com] and IPs [10.0.0.1 127.0.0.1 ::1]',
      '[certs] Generating "etcd/healthcheck-client" certificate and key',
      '[certs] Generating "apiserver-etcd-client" certificate and key',
      '[certs] Generating "sa" key and public key',
      '[kubeconfig] Using kubeconfig folder "/etc/kubernetes"',
      '[kubeconfig] Writing "admin.conf" kubeconfig file',
      '[kubeconfig] Writing "super-admin.conf" kubeconfig file',
      '[kubeconfig] Writing "kubelet.conf" kubeconfig file',
      '[kubeconfig] Writing "controller-manager.conf" kubeconfig file',
      '[kubeconfig] Writing "scheduler.conf" kubeconfig file',
    ])
    assert.deepEqual((await world.disk.list(`${folder}/etcd`)).sort(), [
      'ca.crt',
      'ca.key',
      'healthcheck-client.crt',
      'healthcheck-client.key',
      'peer.crt',
      'peer.key',
      'server.crt',
      'server.key',
    ])
    assert.equal(world.disk.modeOf(`${folder}/ca.key`), 0o600)
    assert.equal(world.disk.modeOf(`${folder}/ca.crt`), 0o644)
    assert.equal(world.disk.modeOf('/etc/kubernetes/admin.conf'), 0o600)
  })

  for (const [name, subject, usages, signer] of [
    ['apiserver', 'CN=kube-apiserver', ['server'], 'kubernetes'],
    [
      'apiserver-kubelet-client',
      'O=kubeadm:cluster-admins\nCN=kube-apiserver-kubelet-client',
      ['client'],
      'kubernetes',
    ],
    ['front-proxy-client', 'CN=front-proxy-client', ['client'], 'front-proxy-ca'],
    ['etcd/server', 'CN=master01.k8s.hs.com', ['server', 'client'], 'etcd-ca'],
    ['etcd/peer', 'CN=master01.k8s.hs.com', ['server', 'client'], 'etcd-ca'],
    ['etcd/healthcheck-client', 'CN=kube-etcd-healthcheck-client', ['client'], 'etcd-ca'],
    ['apiserver-etcd-client', 'CN=kube-apiserver-etcd-client', ['client'], 'etcd-ca'],
  ] as const) {
    test(`${name} has the subject, usages and signer of the reference [CRT-15]`, async () => {
      const certificate = await certificateAt(await initialized(), name)
      assert.equal(certificate.subject, subject)
      assert.deepEqual(purposes(certificate), usages)
      assert.equal(certificate.issuer, `CN=${signer}`)
      assert.equal(
        certificate.validToDate.getTime() - certificate.validFromDate.getTime(),
        (365 * 24 * 60 + 5) * 60_000,
      )
    })
  }

  for (const [file, user, groups, server] of [
    ['admin.conf', 'kubernetes-admin', 'O=kubeadm:cluster-admins\n', 'k8s-api.k8s.hs.com'],
    ['super-admin.conf', 'kubernetes-super-admin', 'O=system:masters\n', 'k8s-api.k8s.hs.com'],
    ['kubelet.conf', 'system:node:master01.k8s.hs.com', 'O=system:nodes\n', 'k8s-api.k8s.hs.com'],
    ['controller-manager.conf', 'system:kube-controller-manager', '', '10.0.0.1'],
    ['scheduler.conf', 'system:kube-scheduler', '', '10.0.0.1'],
  ] as const) {
    test(`${file} is for its user, at its server`, async () => {
      const { world } = await initialized()
      const facts = readCluster((await world.disk.read(`/etc/kubernetes/${file}`))!, file)
      assert.deepEqual([facts.clusterName, facts.user], ['kubernetes', user])
      assert.equal(facts.server, `https://${server}:6443`)
      assert.equal(new X509Certificate(facts.certificate!).subject, `${groups}CN=${user}`)
      assert.equal(facts.certificateAuthority, await world.disk.read(`${folder}/ca.crt`))
    })
  }

  test('keys are what encryptionAlgorithm says, in the form in which kubeadm writes them', async () => {
    const ecdsa = await initialized()
    assert.match((await ecdsa.world.disk.read(`${folder}/apiserver.key`))!, /BEGIN EC PRIVATE KEY/)
    const rsa = await initialized({ algorithm: 'RSA-2048', externalEtcd: true })
    const text = (await rsa.world.disk.read(`${folder}/apiserver.key`))!
    assert.match(text, /BEGIN RSA PRIVATE KEY/)
    assert.equal(createPrivateKey(text).asymmetricKeyDetails?.modulusLength, 2048)
    assert.ok((await certificateAt(rsa, 'apiserver')).verify((await certificateAt(rsa, 'ca')).publicKey))
  })

  test('lives as long as the configuration says, and no longer than its authority', async () => {
    const hour = 3_600_000
    const short = await initialized({ certificateValidityMs: 30 * hour, caCertificateValidityMs: 20 * hour })
    const now = short.world.clock.now()
    assert.equal((await certificateAt(short, 'ca')).validToDate.getTime(), now + 20 * hour)
    assert.equal((await certificateAt(short, 'apiserver')).validToDate.getTime(), now + 20 * hour)
  })

  test("has no certificate of etcd where etcd is somebody else's", async () => {
    const { world } = await initialized({ externalEtcd: true })
    assert.deepEqual(await world.disk.list(`${folder}/etcd`), [])
    assert.equal(await world.disk.read(`${folder}/apiserver-etcd-client.crt`), undefined)
  })
})

describe('what is there already', () => {
  test('is used: the same command again makes nothing [CRT-12]', async () => {
    const made = await initialized()
    const before = await made.world.disk.read(`${folder}/apiserver.crt`)
    made.lines.length = 0
    await createCertificates(settings, made.world, made.print)
    await createKubeconfigs(settings, made.world, made.print)
    assert.equal(await made.world.disk.read(`${folder}/apiserver.crt`), before)
    assert.deepEqual(made.lines.slice(1, 4), [
      '[certs] Using existing ca certificate authority',
      '[certs] Using existing apiserver certificate and key on disk',
      '[certs] Using existing apiserver-kubelet-client certificate and key on disk',
    ])
    assert.ok(made.lines.includes('[certs] Using the existing "sa" key'))
    assert.ok(made.lines.includes('[kubeconfig] Using existing kubeconfig file: "/etc/kubernetes/admin.conf"'))
    assert.deepEqual(
      made.lines.filter((line) => /Generating|Writing/.test(line)),
      [],
    )
  })

  test('but for what was moved away, which is made with the names of today [CRT-11 CRT-14]', async () => {
    const made = await initialized()
    for (const ending of ['crt', 'key']) {
      await made.world.disk.rename(`${folder}/apiserver.${ending}`, `/root/apiserver.${ending}`)
    }
    made.lines.length = 0
    const apiserver = certificates.find(({ name }) => name === 'apiserver')!
    const renamed = {
      ...settings,
      nodeName: 'k8s01',
      serviceSubnet: '10.233.0.0/18',
      apiServerCertSans: ['k8s02', 'lb-apiserver.kubernetes.local', 'localhost', '127.0.0.1', '10.211.55.50', 'k8s01'],
    }
    await loadOrCreateCertificate(apiserver, renamed, made.world, made.print)
    assert.deepEqual(made.lines, [
      '[certs] Generating "apiserver" certificate and key',
      '[certs] apiserver serving cert is signed for DNS names [k8s-api.k8s.hs.com k8s01 k8s02 kubernetes kubernetes.default kubernetes.default.svc kubernetes.default.svc.cluster.local lb-apiserver.kubernetes.local localhost] and IPs [10.233.0.1 10.0.0.1 127.0.0.1 10.211.55.50]',
    ])
    const certificate = await certificateAt(made, 'apiserver')
    assert.equal(certificate.checkHost('lb-apiserver.kubernetes.local'), 'lb-apiserver.kubernetes.local')
    assert.equal(certificate.checkIP('10.211.55.50'), '10.211.55.50')
  })

  for (const name of ['ca', 'apiserver', 'etcd/peer']) {
    test(`is finished where an interruption has left ${name}.key alone`, async () => {
      const made = await initialized()
      const key = await made.world.disk.read(`${folder}/${name}.key`)
      await made.world.disk.remove(`${folder}/${name}.crt`)
      await createCertificates(settings, made.world, made.print)
      assert.equal(await made.world.disk.read(`${folder}/${name}.key`), key)
      assert.ok((await certificateAt(made, name)).checkPrivateKey(createPrivateKey(key!)))
    })
  }
})

describe('what cannot be used is said with what to do', () => {
  const cases: readonly (readonly [
    what: string,
    spoil: (host: VirtualHost) => Promise<void>,
    message: RegExp,
    hint: RegExp,
  ])[] = [
    [
      'a certificate without its key',
      ({ disk }) => disk.remove(`${folder}/apiserver.key`),
      /pki\/apiserver\.crt is there, but its key .*apiserver\.key is not/,
      /remove .*apiserver\.crt, and both are made anew/,
    ],
    [
      'a half-written certificate',
      async ({ disk }) =>
        disk.write(`${folder}/apiserver.crt`, (await disk.read(`${folder}/apiserver.crt`))!.slice(0, 300)),
      /apiserver\.crt holds no certificate that can be read/,
      /may be half written/,
    ],
    [
      'an empty key',
      ({ disk }) => disk.write(`${folder}/etcd/server.key`, ''),
      /etcd\/server\.key holds no private key that can be read/,
      /may be half written/,
    ],
    [
      'a key of another certificate',
      async ({ disk }) => disk.write(`${folder}/apiserver.key`, (await disk.read(`${folder}/ca.key`))!),
      /apiserver\.crt and .*apiserver\.key do not belong together/,
      /put back the one that was replaced/,
    ],
    [
      'an authority of another cluster',
      async ({ disk }) => {
        const other = (await initialized()).world.disk
        for (const file of ['ca.crt', 'ca.key'])
          await disk.write(`${folder}/${file}`, (await other.read(`${folder}/${file}`))!)
      },
      /\[certs\] certificate apiserver not signed by CA certificate ca/,
      /ca\.crt belongs to another cluster/,
    ],
    [
      'a certificate in place of an authority',
      async ({ disk }) => {
        for (const ending of ['crt', 'key'])
          await disk.write(`${folder}/ca.${ending}`, (await disk.read(`${folder}/apiserver.${ending}`))!)
      },
      /certificate ca is not a CA/,
      /put the authority's certificate/,
    ],
    [
      'a certificate that has expired',
      async (world) => world.advance(366 * 24 * 3_600_000),
      /apiserver\.crt has expired at 2027-01-01T00:00:00Z/,
      /coracle certs renew apiserver/,
    ],
  ]
  for (const [what, spoil, message, hint] of cases) {
    test(what, async () => {
      const made = await initialized()
      await spoil(made.world)
      await assert.rejects(createCertificates(settings, made.world, made.print), (error) => {
        assert.ok(error instanceof LifecycleError)
        assert.match(error.message, message)
        assert.match(error.hint!, hint)
        return true
      })
    })
  }

  test('a clock that is a day behind: the certificate is not valid yet', async () => {
    const made = await initialized()
    const behind = {
      ...made.world,
      disk: made.world.disk,
      clock: { ...made.world.clock, now: () => Date.UTC(2025, 11, 31) },
    }
    await assert.rejects(
      createCertificates(settings, behind as unknown as VirtualHost, made.print),
      /apiserver\.crt is not valid yet: it begins at 2025-12-31T23:55:00Z, and this host's clock says 2025-12-31T00:00:00Z/,
    )
  })

  test('a kubeconfig of another cluster', async () => {
    const made = await initialized()
    const other = (await initialized()).world.disk
    await made.world.disk.write('/etc/kubernetes/scheduler.conf', (await other.read('/etc/kubernetes/scheduler.conf'))!)
    await assert.rejects(
      createKubeconfigs(settings, made.world, made.print),
      /a kubeconfig file "\/etc\/kubernetes\/scheduler\.conf" exists already but has got the wrong CA cert/,
    )
  })

  test('a kubeconfig of another server is used, with a warning', async () => {
    const made = await initialized()
    await createKubeconfigs({ ...settings, advertiseAddress: '10.0.0.9' }, made.world, made.print, ['scheduler.conf'])
    assert.deepEqual(made.lines.slice(-2), [
      'W: a kubeconfig file "/etc/kubernetes/scheduler.conf" exists already but has an unexpected API Server URL: expected: https://10.0.0.9:6443, got: https://10.0.0.1:6443',
      '[kubeconfig] Using existing kubeconfig file: "/etc/kubernetes/scheduler.conf"',
    ])
  })

  test('a disk that is full: what was there stays, and the same command finishes it when there is room', async () => {
    const { world, print } = host()
    world.disk.capacityBytes = 4000
    await assert.rejects(createCertificates(settings, world, print), /ENOSPC/)
    world.disk.capacityBytes = Number.POSITIVE_INFINITY
    await createCertificates(settings, world, print)
    for (const { baseName } of [...authorities, ...certificates]) {
      assert.ok(await world.disk.read(`${folder}/${baseName}.crt`), baseName)
    }
  })
})

describe('an authority whose key is elsewhere', () => {
  test('signs nothing here: with all of its certificates there, all is well', async () => {
    const made = await initialized()
    await made.world.disk.remove(`${folder}/ca.key`)
    made.lines.length = 0
    await createCertificates(settings, made.world, made.print)
    await createKubeconfigs(settings, made.world, made.print)
    assert.equal(made.lines[1], '[certs] Using existing ca keyless certificate authority')
    assert.equal((await readAuthority(authorities[0]!, settings, made.world.disk)).key, undefined)
  })

  test('and what is missing is listed, all at once', async () => {
    const made = await initialized()
    for (const file of ['ca.key', 'apiserver.crt', 'apiserver.key', 'apiserver-kubelet-client.crt'])
      await made.world.disk.remove(`${folder}/${file}`)
    await assert.rejects(createCertificates(settings, made.world, made.print), (error) => {
      assert.match(
        (error as Error).message,
        /what it must have signed is missing: \/etc\/kubernetes\/pki\/apiserver\.crt, \/etc\/kubernetes\/pki\/apiserver\.key, \/etc\/kubernetes\/pki\/apiserver-kubelet-client\.crt$/,
      )
      return true
    })
    await made.world.disk.remove('/etc/kubernetes/admin.conf')
    await assert.rejects(
      createKubeconfigs(settings, made.world, made.print),
      /kubeconfigs are missing: \/etc\/kubernetes\/admin\.conf$/,
    )
  })
})

test('what control planes must share, and what is missing of it, one complaint for each pair', async () => {
  const made = await initialized()
  assert.deepEqual(await sharedCertificateFaults(settings, made.world.disk), [])
  const open = (file: string) => `${folder}/${file}: open ${folder}/${file}: no such file or directory`
  assert.deepEqual(await sharedCertificateFaults(settings, new VirtualHost().disk), [
    `failure loading certificate for CA: couldn't load the certificate file ${open('ca.crt')}`,
    `failure loading key for service account: couldn't load the private key file ${open('sa.key')}`,
    `failure loading certificate for front-proxy CA: couldn't load the certificate file ${open('front-proxy-ca.crt')}`,
    `failure loading certificate for etcd CA: couldn't load the certificate file ${open('etcd/ca.crt')}`,
  ])
})
