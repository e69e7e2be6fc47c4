import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, test } from 'node:test'
import { parse } from 'yaml'
import { runCommand } from '../../src/cli/command.ts'
import { certs } from '../../src/cli/commands/certs.ts'
import { kubeconfig } from '../../src/cli/commands/kubeconfig.ts'
import { status } from '../../src/cli/commands/status.ts'
import { parseRequest } from '../../src/controllers/certificates/request.ts'
import { createCertificates } from '../../src/lifecycle/pki/create.ts'
import { isSignedBy, parseBundle } from '../../src/lifecycle/pki/files.ts'
import { createKubeconfigs, readCluster } from '../../src/lifecycle/pki/kubeconfigs.ts'
import { membersNamed, renewCertificates } from '../../src/lifecycle/pki/renew.ts'
import { rotateStep, rotationSteps } from '../../src/lifecycle/pki/rotate.ts'
import { controlPlaneSet } from '../../src/lifecycle/pki/set.ts'
import { defaultPkiSettings, type PkiSettings } from '../../src/lifecycle/pki/settings.ts'
import { authorities, certificates } from '../../src/lifecycle/pki/specs.ts'
import { issueCertificate, signPublicKey } from '../../src/lifecycle/pki.ts'
import { loadOrCreatePki } from '../../src/lifecycle/pki-store.ts'
import { pinsOf } from '../../src/lifecycle/tokens/pins.ts'
import { VirtualHost } from '../../src/world/virtual-host.ts'
import type { Disk } from '../../src/world/world.ts'

const folder = '/etc/kubernetes/pki'
const dayMs = 24 * 3_600_000
const settings: PkiSettings = { ...defaultPkiSettings, nodeName: 'host', advertiseAddress: '10.0.0.1' }

interface Said {
  readonly code: number
  readonly out: readonly string[]
  readonly err: readonly string[]
}

/** A control plane without anything that runs: its files, and commands typed there. */
class Host {
  readonly world = new VirtualHost(7)

  static async make(of: Partial<PkiSettings> = {}): Promise<Host> {
    const host = new Host()
    await createCertificates({ ...settings, ...of }, host.world, () => {})
    await createKubeconfigs({ ...settings, ...of }, host.world, () => {})
    return host
  }

  /** Another with the same files. */
  async copy(): Promise<Host> {
    const host = new Host()
    await host.world.advance(this.world.clock.now() - host.world.clock.now())
    for (const [path, text] of Object.entries(await this.files())) await host.world.disk.write(path, text)
    return host
  }

  async run(line: string): Promise<Said> {
    const [out, err] = [[] as string[], [] as string[]]
    const code = await runCommand(
      [certs, kubeconfig, status],
      line.split(' '),
      {
        world: this.world,
        env: { HOME: '/root' },
        print: (text) => void out.push(...text.split('\n')),
        interrupted: new Promise(() => {}),
        tellParent() {},
      },
      (text) => err.push(text),
    )
    return { code, out, err }
  }

  /** What a command says that must succeed; the cluster does not answer, and that is said first. */
  async says(line: string): Promise<readonly string[]> {
    const said = await this.run(line)
    assert.equal(said.code, 0, said.err.join('\n'))
    const [first, second, ...rest] = said.out
    return first?.includes('Falling back to default configuration') && second === '' ? rest : said.out
  }

  async read(file: string): Promise<string> {
    return (await this.world.disk.read(file.startsWith('/') ? file : `${folder}/${file}`))!
  }

  async certificate(name: string): Promise<X509Certificate> {
    if (!name.endsWith('.conf')) return new X509Certificate(await this.read(`${name}.crt`))
    return new X509Certificate(readCluster(await this.read(`/etc/kubernetes/${name}`), name).certificate!)
  }

  /** Everything that lies there. */
  async files(): Promise<Readonly<Record<string, string>>> {
    const all: Record<string, string> = {}
    for (const below of ['/etc/kubernetes', folder, `${folder}/etcd`]) {
      for (const name of await this.world.disk.list(below)) {
        const path = `${below}/${name}`
        if (!(await this.world.disk.stat(path))?.isFolder) all[path] = (await this.world.disk.read(path))!
      }
    }
    return all
  }
}

const leaves = ['apiserver', 'apiserver-kubelet-client', 'front-proxy-client', 'etcd/server', 'etcd/peer']
const configs = ['admin.conf', 'controller-manager.conf', 'scheduler.conf', 'super-admin.conf']

describe('check-expiration', () => {
  test('prints the tables of kubeadm [CRT-01 CRT-02 CRT-03 CRT-04]', async () => {
    const host = await Host.make()
    await host.world.advance(60_000)
    const row = (name: string, authority: string) =>
      `${name.padEnd(27)}Jan 01, 2027 00:00 UTC   364d            ${authority.padEnd(24)}no      `
    const authority = (name: string) => `${name.padEnd(24)}Dec 30, 2035 00:00 UTC   9y              no      `
    assert.deepEqual(await host.says('certs check-expiration'), [
      'CERTIFICATE                EXPIRES                  RESIDUAL TIME   CERTIFICATE AUTHORITY   EXTERNALLY MANAGED',
      row('admin.conf', 'ca'),
      row('apiserver', 'ca'),
      row('apiserver-etcd-client', 'etcd-ca'),
      row('apiserver-kubelet-client', 'ca'),
      row('controller-manager.conf', 'ca'),
      row('etcd-healthcheck-client', 'etcd-ca'),
      row('etcd-peer', 'etcd-ca'),
      row('etcd-server', 'etcd-ca'),
      row('front-proxy-client', 'front-proxy-ca'),
      row('scheduler.conf', 'ca'),
      row('super-admin.conf', 'ca'),
      '',
      'CERTIFICATE AUTHORITY   EXPIRES                  RESIDUAL TIME   EXTERNALLY MANAGED',
      authority('ca'),
      authority('etcd-ca'),
      authority('front-proxy-ca'),
    ])
  })

  test('names what is missing, and who manages what [CRT-01]', async () => {
    const host = await Host.make()
    await host.world.disk.remove('/etc/kubernetes/super-admin.conf')
    await host.world.disk.remove(`${folder}/ca.key`)
    const lines = await host.says('certs check-expiration')
    assert.match(lines[11]!, /^!MISSING! super-admin\.conf {8,}$/)
    assert.match(lines.find((line) => line.startsWith('apiserver '))!, / ca {22}yes {5}$/)
    assert.match(lines.find((line) => line.startsWith('etcd-peer '))!, / etcd-ca {17}no {6}$/)
  })

  test('speaks JSON and YAML, and nothing besides', async () => {
    const host = await Host.make()
    await host.world.advance(60_000)
    const { out } = await host.run('certs check-expiration -o json')
    const info = JSON.parse(out.join('\n'))
    assert.deepEqual([info.kind, info.apiVersion], ['CertificateExpirationInfo', 'output.kubeadm.k8s.io/v1alpha3'])
    assert.deepEqual(info.certificates[1], {
      name: 'apiserver',
      expirationDate: '2027-01-01T00:00:00Z',
      residualTime: 365 * 86_400 - 60,
      externallyManaged: false,
      caName: 'ca',
      missing: false,
    })
    assert.deepEqual(parse((await host.run('certs check-expiration -o yaml')).out.join('\n')), info)
    assert.equal((await host.run('certs check-expiration -o xml')).code, 2)
  })

  test('a year later everything has expired, and says so', async () => {
    const host = await Host.make()
    await host.world.advance(366 * dayMs)
    assert.match((await host.says('certs check-expiration'))[2]!, /^apiserver +Jan 01, 2027 00:00 UTC {3}<invalid> /)
  })
})

describe('renew', () => {
  test('all: new dates, the same names and authorities [CRT-05]', async () => {
    const host = await Host.make({ apiServerCertSans: ['lb.example'] })
    const before = await Promise.all([...leaves, ...configs].map((name) => host.certificate(name)))
    const authority = await host.read('ca.crt')
    await host.world.advance(200 * dayMs)
    assert.deepEqual(await host.says('certs renew all'), [
      'certificate embedded in the kubeconfig file for the admin to use and for kubeadm itself renewed',
      'certificate for serving the Kubernetes API renewed',
      'certificate the apiserver uses to access etcd renewed',
      'certificate for the API server to connect to kubelet renewed',
      'certificate embedded in the kubeconfig file for the controller manager to use renewed',
      'certificate for liveness probes to healthcheck etcd renewed',
      'certificate for etcd nodes to communicate with each other renewed',
      'certificate for serving etcd renewed',
      'certificate for the front proxy client renewed',
      'certificate embedded in the kubeconfig file for the scheduler manager to use renewed',
      'certificate embedded in the kubeconfig file for the super-admin renewed',
      '',
      'Done renewing certificates. The kube-apiserver, kube-controller-manager, kube-scheduler and etcd of this host take them up by themselves: no restart is needed.',
    ])
    assert.equal(await host.read('ca.crt'), authority)
    for (const [at, name] of [...leaves, ...configs].entries()) {
      const [old, now] = [before[at]!, await host.certificate(name)]
      assert.equal(now.validToDate.getTime(), host.world.clock.now() + 365 * dayMs, name)
      for (const part of ['subject', 'issuer', 'subjectAltName'] as const) assert.equal(now[part], old[part], name)
      assert.deepEqual(now.keyUsage, old.keyUsage)
      assert.notEqual(now.fingerprint256, old.fingerprint256)
    }
    assert.match((await host.certificate('apiserver')).subjectAltName!, /DNS:lb\.example/)
    assert.deepEqual(
      Object.keys(await host.files()).filter((path) => path.endsWith('.new')),
      [],
    )
  })

  test('also what has expired [CRT-18]', async () => {
    const host = await Host.make()
    await host.world.advance(500 * dayMs)
    await host.says('certs renew all')
    assert.match((await host.says('certs check-expiration'))[2]!, /^apiserver +May 15, 2028 00:00 UTC {3}1y /)
  })

  test('all for ten years, by a validity of their own [CRT-08]', async () => {
    const host = await Host.make()
    await host.world.advance(dayMs)
    const authority = await host.read('ca.crt')
    await host.says('certs renew all --validity 87000h')
    const lines = await host.says('certs check-expiration')
    assert.deepEqual(
      lines.slice(1, 12).map((line) => line.slice(52, 54)),
      Array(11).fill('9y'),
    )
    assert.equal(await host.read('ca.crt'), authority)
    await assertTrust(host, 'all for ten years')
  })

  test('one of them, and no other', async () => {
    const host = await Host.make()
    const before = await host.files()
    await host.world.advance(dayMs)
    await host.says('certs renew apiserver --validity 87000h')
    const now = await host.files()
    assert.deepEqual(
      Object.keys(now).filter((path) => now[path] !== before[path]),
      [`${folder}/apiserver.key`, `${folder}/apiserver.crt`].sort(
        (a, b) => Object.keys(now).indexOf(a) - Object.keys(now).indexOf(b),
      ),
    )
    assert.equal(
      (await host.certificate('apiserver')).validToDate.getTime(),
      host.world.clock.now() + 87_000 * 3_600_000,
    )
  })

  test('with other names, from the configuration', async () => {
    const host = await Host.make()
    await host.world.disk.write(
      '/root/kubeadm.yaml',
      'apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: v1.36.0\napiServer:\n  certSANs: [new.example, 10.9.8.7]\n',
    )
    const same = await host.run('certs renew apiserver --config /root/kubeadm.yaml')
    assert.equal(same.code, 0, same.err.join('\n'))
    assert.doesNotMatch((await host.certificate('apiserver')).subjectAltName!, /new\.example/)
    await host.run('certs renew apiserver --config /root/kubeadm.yaml --regenerate-sans')
    assert.match((await host.certificate('apiserver')).subjectAltName!, /DNS:new\.example.*IP Address:10\.9\.8\.7/)
  })

  test('says what it would do, and does nothing', async () => {
    const host = await Host.make()
    const before = await host.files()
    const [line] = await host.says('certs renew apiserver --dry-run')
    assert.equal(line, 'Would renew the certificate for serving the Kubernetes API: /etc/kubernetes/pki/apiserver.crt')
    assert.deepEqual(await host.files(), before)
  })

  test('not what an authority elsewhere has signed, and not what is missing', async () => {
    const host = await Host.make()
    await host.world.disk.remove(`${folder}/ca.key`)
    await host.world.disk.remove('/etc/kubernetes/super-admin.conf')
    const lines = await host.says('certs renew all')
    assert.ok(lines.includes("Detected external ca, certificate for serving the Kubernetes API can't be renewed"))
    assert.ok(lines.includes('MISSING! certificate embedded in the kubeconfig file for the super-admin'))
    assert.ok(lines.includes('certificate for serving etcd renewed'))
  })

  test('on one host changes no other: each shows the dates of its own [CRT-09]', async () => {
    const first = await Host.make()
    const second = await first.copy()
    await first.world.advance(3 * dayMs)
    await second.world.advance(3 * dayMs)
    await first.says('certs renew all')
    const dates = async (host: Host) => (await host.says('certs check-expiration'))[2]!.slice(27, 48)
    assert.deepEqual(
      [await dates(first), await dates(second)],
      ['Jan 04, 2027 00:00 UTC', 'Jan 01, 2027 00:00 UTC'].map((text) => text.slice(0, 21)),
    )
  })

  test('says which names there are', async () => {
    const { code, err } = await (await Host.make()).run('certs renew ca')
    assert.deepEqual([code, err[0]], [1, 'error: ca is not a valid certificate for this cluster'])
    assert.match(err[1]!, /admin\.conf, apiserver, .*; or all/)
  })

  test('on a disk that is full leaves the old set whole', async () => {
    const host = await Host.make()
    const before = await host.files()
    const used = Object.values(before).reduce((sum, text) => sum + text.length, 0)
    for (const room of [100, 1500, 4000, 9000]) {
      host.world.disk.capacityBytes = used + room
      const { code, err } = await host.run('certs renew all')
      assert.equal(code, 1)
      assert.match(err[0]!, /ENOSPC: no space left on device/)
      assert.deepEqual(await host.files(), before)
    }
    host.world.disk.capacityBytes = Number.POSITIVE_INFINITY
    await host.says('certs renew all')
  })
})

/** A disk that is gone after so many changes: the process was killed there. */
function dyingAfter(disk: Disk, changes: number): Disk {
  let left = changes
  return new Proxy(disk, {
    get(target, name) {
      const method = Reflect.get(target, name) as unknown
      if (typeof method !== 'function') return method
      return (...args: unknown[]) => {
        if (['write', 'rename', 'remove', 'link'].includes(String(name)) && left-- <= 0) throw new Error('killed')
        return Reflect.apply(method, target, args)
      }
    },
  })
}

/** Everybody who speaks to somebody trusts who answers, and is trusted. */
async function assertTrust(host: Host, what: string): Promise<void> {
  const signer = {
    ca: await host.read('ca.crt'),
    etcd: await host.read('etcd/ca.crt'),
    proxy: await host.read('front-proxy-ca.crt'),
  }
  for (const { baseName, authority } of certificates) {
    const bundle = authority === 'ca' ? signer.ca : authority === 'etcd-ca' ? signer.etcd : signer.proxy
    assert.ok(isSignedBy(await host.certificate(baseName), bundle), `${what}: ${baseName}`)
  }
  for (const name of [...configs, 'kubelet.conf']) {
    const facts = readCluster(await host.read(`/etc/kubernetes/${name}`), name)
    assert.ok(isSignedBy(new X509Certificate(facts.certificate!), signer.ca), `${what}: ${name} is trusted`)
    assert.ok(isSignedBy(await host.certificate('apiserver'), facts.certificateAuthority!), `${what}: ${name} trusts`)
  }
}

describe('a renewal that is killed', () => {
  test('at any point is mended by the same command', async () => {
    const names = ['admin.conf', 'apiserver', 'etcd-peer']
    const first = await Host.make()
    await first.world.advance(dayMs)
    for (let changes = 0; changes < 100; changes++) {
      const host = await first.copy()
      const disk = dyingAfter(host.world.disk, changes)
      const members = names.flatMap((name) => membersNamed(controlPlaneSet(settings), name))
      const world = { disk, clock: host.world.clock, random: host.world.random }
      const isDone = await renewCertificates(members, settings, world, {}, () => {}).then(
        () => true,
        () => false,
      )
      for (const name of names) await host.says(`certs renew ${name}`)
      await assertTrust(host, `killed after ${changes} changes`)
      for (const name of ['admin.conf', 'apiserver', 'etcd/peer']) {
        const { validToDate } = await host.certificate(name)
        assert.equal(validToDate.getTime(), host.world.clock.now() + 365 * dayMs)
      }
      if (isDone) return
    }
    assert.fail('it never came to its end')
  })
})

test('a renewal that was killed between key and certificate is finished by the next start of coracle up', async () => {
  const { disk, clock, random } = new VirtualHost()
  const request = { hosts: ['localhost'], tools: { clock, random } }
  const { authority } = await loadOrCreatePki(disk, '/data/pki', request)
  const renewed = issueCertificate(authority, { commonName: 'kube-apiserver', usages: ['server'] }, { clock, random })
  await disk.write('/data/pki/apiserver.key', renewed.key)
  await disk.write('/data/pki/apiserver.crt.new', renewed.certificate)
  assert.deepEqual((await loadOrCreatePki(disk, '/data/pki', request)).server, renewed)
})

describe('rotate-ca', () => {
  test('trusts both, signs anew, and drops the old one: three steps, a plan before each', async () => {
    const host = await Host.make()
    const old = await host.certificate('ca')
    const plan = await host.says('certs rotate-ca ca --dry-run')
    assert.equal(plan[0], 'Step 1 of 3 (trust) for ca:')
    assert.equal((await host.certificate('ca')).fingerprint256, old.fingerprint256)

    await host.says('certs rotate-ca ca')
    await assertTrust(host, 'trust')
    const [first, second] = parseBundle(await host.read('ca.crt'))
    assert.deepEqual([first!.fingerprint256, second!.subject], [old.fingerprint256, 'CN=kubernetes'])
    assert.ok((await host.certificate('apiserver')).verify(old.publicKey))

    const reissue = await host.says('certs rotate-ca')
    assert.equal(reissue[0], 'Step 2 of 3 (reissue) for ca:')
    assert.match(reissue[2]!, /make anew by it: admin\.conf, apiserver, apiserver-kubelet-client, /)
    await assertTrust(host, 'reissue')
    assert.ok((await host.certificate('apiserver')).verify(second!.publicKey))
    assert.ok((await host.certificate('admin.conf')).verify(second!.publicKey))

    // The kubelet asks for its certificate itself, meanwhile.
    const kubelet = await host.read('/etc/kubernetes/kubelet.conf')
    assert.equal(parseBundle(readCluster(kubelet, '').certificateAuthority!).length, 2)
    const dropped = await host.says('certs rotate-ca ca')
    assert.equal(dropped[0], 'Step 3 of 3 (drop) for ca:')
    assert.equal(parseBundle(await host.read('ca.crt')).length, 1)
    assert.equal((await host.certificate('ca')).fingerprint256, second!.fingerprint256)
    assert.equal(await host.read('ca-next.key'), undefined)
    assert.equal((await host.says('certs rotate-ca ca --dry-run'))[0], 'Step 1 of 3 (trust) for ca:')
  })

  test('says by which step to go on when what was made could not be handed over', async () => {
    const host = await Host.make()
    let isOver = false
    const rotating = host.run('certs rotate-ca ca --upload-certs').finally(() => {
      isOver = true
    })
    while (!isOver) await host.world.advance(10_000)
    const { code, err } = await rotating
    assert.equal(code, 1)
    assert.match(err.join('\n'), /what was made could not be handed over: /)
    assert.match(err.at(-1)!, /before the next step: coracle certs rotate-ca ca --step trust --upload-certs$/)
    assert.equal(parseBundle(await host.read('ca.crt')).length, 2)
    await host.says('certs rotate-ca ca --step trust')
    assert.equal(parseBundle(await host.read('ca.crt')).length, 2)
  })

  test('tells old and new apart by more than their name', async () => {
    const host = await Host.make()
    await host.says('certs rotate-ca ca')
    await host.says('certs rotate-ca ca')
    const [now, before] = parseBundle(await host.read('ca.crt'))
    const apiserver = await host.certificate('apiserver')
    assert.ok(apiserver.checkIssued(now!))
    assert.ok(!apiserver.checkIssued(before!))
  })

  test('killed at any point of any step, it is finished by the same step', async () => {
    const mine = { ...settings, externalEtcd: true }
    const set = controlPlaneSet(mine)
    const first = await Host.make(mine)
    for (const step of rotationSteps) {
      for (let changes = 0, isDone = false; !isDone; changes++) {
        const host = await first.copy()
        const tools = { set, settings: mine, world: host.world, print() {} }
        const world = { disk: dyingAfter(host.world.disk, changes), clock: host.world.clock, random: host.world.random }
        isDone = await rotateStep(step, authorities[0]!, { ...tools, world }).then(
          () => true,
          () => false,
        )
        await rotateStep(step, authorities[0]!, tools)
        const bundle = await host.read('ca.crt')
        const what = `${step}, killed after ${changes} changes`
        assert.equal(parseBundle(bundle).length, step === 'drop' ? 1 : 2, what)
        for (const name of ['apiserver', 'apiserver-kubelet-client', ...configs]) {
          assert.ok(isSignedBy(await host.certificate(name), bundle), `${what}: ${name}`)
          if (step !== 'trust')
            assert.ok((await host.certificate(name)).verify(parseBundle(bundle)[0]!.publicKey), `${what}: ${name}`)
        }
        assert.ok(changes < 60, what)
      }
      await rotateStep(step, authorities[0]!, { set, settings: mine, world: first.world, print() {} })
    }
  })

  test('does the other authorities, too', async () => {
    const host = await Host.make()
    for (const name of ['etcd-ca', 'front-proxy-ca']) {
      for (const step of rotationSteps) {
        const lines = await host.says(`certs rotate-ca ${name} --step ${step}`)
        assert.match(lines[0]!, new RegExp(`\\(${step}\\) for ${name}:`))
        await assertTrust(host, `${name} ${step}`)
      }
    }
    assert.equal((await host.run('certs rotate-ca sa')).code, 2)
  })

  test("of coracle up leaves the kubeconfigs of the host's other cluster alone, and so does its rescue", async () => {
    const host = await Host.make()
    for (const name of ['ca', 'front-proxy-ca', 'apiserver', 'front-proxy-client', 'admin']) {
      for (const ending of ['key', 'crt']) {
        const source = name === 'admin' ? 'apiserver-kubelet-client' : name
        await host.world.disk.write(`/data/pki/${name}.${ending}`, await host.read(`${source}.${ending}`))
      }
    }
    const before = await host.files()
    const [, first, second] = await host.says('certs rotate-ca ca --data-dir /data')
    assert.equal(first, '  make a new kubernetes authority, its key in /data/pki/ca-next.key')
    assert.match(second!, /in \/data\/pki\/ca\.crt; the old one goes on to sign$/)
    await host.world.advance(400 * dayMs)
    assert.deepEqual(await host.says('certs rescue --data-dir /data'), [
      'made anew: admin, apiserver, front-proxy-client',
      'certificate of the administrator renewed',
      'certificate for serving the Kubernetes API renewed',
      'certificate for the front proxy client renewed',
      '',
      'Done. Start the cluster again with: coracle up',
    ])
    assert.deepEqual(await host.files(), before)
  })

  test('not where the key is elsewhere', async () => {
    const host = await Host.make()
    await host.world.disk.remove(`${folder}/ca.key`)
    assert.match((await host.run('certs rotate-ca ca')).err[0]!, /Detected external ca: it can't be rotated here/)
  })
})

describe('rescue', () => {
  test("of leaves that have expired needs no API; the kubelet's is in its rotating file from then on [CRT-07]", async () => {
    const host = await Host.make()
    await host.world.advance(366 * dayMs)
    const pins = pinsOf(await host.read('ca.crt'))
    const before = await host.files()
    const plan = await host.says('certs rescue --dry-run')
    assert.match(plan[0]!, /^made anew: admin\.conf, apiserver, .*, and the certificate of this host's kubelet$/)
    assert.deepEqual(await host.files(), before)
    const lines = await host.says('certs rescue')
    assert.ok(lines.includes('certificate of the kubelet of this host made'))
    assert.ok(lines.some((line) => line.startsWith('On every other control plane: coracle certs rescue')))
    assert.ok(lines.some((line) => line.startsWith('On workers whose kubelet certificate has expired: coracle reset')))
    assert.deepEqual(pinsOf(await host.read('ca.crt')), pins)
    for (const name of [...leaves, ...configs]) {
      assert.equal((await host.certificate(name)).validToDate.getTime(), host.world.clock.now() + 365 * dayMs, name)
    }
    const kubelet = await host.read('/var/lib/kubelet/pki/kubelet-client-current.pem')
    assert.equal(new X509Certificate(kubelet).subject, 'O=system:nodes\nCN=system:node:host')
    assert.match(
      await host.read('/etc/kubernetes/kubelet.conf'),
      /client-key: \/var\/lib\/kubelet\/pki\/kubelet-client-current\.pem/,
    )
    await host.says('certs rescue')
  })

  test('of authorities that have expired keeps their keys, and so the hash by which hosts join [JOI-21]', async () => {
    const host = await Host.make()
    const pins = pinsOf(await host.read('ca.crt'))
    await host.world.advance(3660 * dayMs)
    const refused = await host.run('certs renew all')
    assert.deepEqual(refused.code, 1)
    assert.match(
      refused.err.join('\n'),
      /the authority that signs admin\.conf has expired at 2035-12-30T00:00:00Z\n.*coracle certs rescue/,
    )
    const plan = await host.says('certs rescue --dry-run')
    assert.deepEqual(
      plan.slice(0, 3).map((line) => line.split(' ')[0]),
      ['ca', 'front-proxy-ca', 'etcd-ca'],
    )
    const lines = await host.says('certs rescue')
    assert.ok(
      lines.some((line) =>
        line.includes('first copy /etc/kubernetes/pki/ca.crt and /etc/kubernetes/pki/front-proxy-ca.crt'),
      ),
    )
    assert.deepEqual(pinsOf(await host.read('ca.crt')), pins)
    assert.ok((await host.certificate('ca')).validToDate.getTime() > host.world.clock.now() + 3000 * dayMs)
    await assertTrustOfKubeconfigs(host)
  })

  async function assertTrustOfKubeconfigs(host: Host): Promise<void> {
    for (const name of configs) {
      const facts = readCluster(await host.read(`/etc/kubernetes/${name}`), name)
      assert.equal(facts.certificateAuthority, await host.read('ca.crt'))
      assert.ok(isSignedBy(new X509Certificate(facts.certificate!), facts.certificateAuthority!))
    }
  }

  test('not without the key of an authority that has expired', async () => {
    const host = await Host.make()
    await host.world.disk.remove(`${folder}/ca.key`)
    await host.world.advance(3660 * dayMs)
    assert.match(
      (await host.run('certs rescue')).err.join(' '),
      /ca\.crt has expired, and its key is not on this host .*whoever keeps the key/,
    )
  })
})

test('generate-csr makes keys and requests, which an authority elsewhere signs; then init uses what it has signed', async () => {
  const office = await Host.make()
  const host = new Host()
  await host.world.disk.write(`${folder}/ca.crt`, await office.read('ca.crt'))
  const said = await host.run('certs generate-csr')
  assert.equal(said.code, 0, said.err.join('\n'))
  const authority = { certificate: await office.read('ca.crt'), key: await office.read('ca.key') }
  for (const { baseName, usages, authority: signer } of certificates) {
    const request = parseRequest(Buffer.from(await host.read(`${baseName}.csr`)).toString('base64'))!
    assert.ok(request.isSigned, baseName)
    assert.equal(host.world.disk.modeOf(`${folder}/${baseName}.key`), 0o600)
    if (signer !== 'ca') continue
    const { commonName, organizations, publicKey } = request
    const signed = signPublicKey(authority, publicKey, { commonName, organizations, usages }, host.world)
    await host.world.disk.write(`${folder}/${baseName}.crt`, signed)
  }
  const apiserver = parseRequest(Buffer.from(await host.read('apiserver.csr')).toString('base64'))!
  assert.deepEqual(apiserver.alternatives, { dns: 5, email: 0, ip: 2, uri: 0 })
  const admin = parseRequest(Buffer.from(await host.read('/etc/kubernetes/admin.conf.csr')).toString('base64'))!
  assert.deepEqual([admin.commonName, admin.organizations], ['kubernetes-admin', ['kubeadm:cluster-admins']])
  const again = await host.run('certs generate-csr')
  assert.match(again.err[0]!, /apiserver\.key exists already: no key is replaced/)

  for (const name of [
    'front-proxy-client',
    'etcd/server',
    'etcd/peer',
    'etcd/healthcheck-client',
    'apiserver-etcd-client',
  ])
    await host.world.disk.remove(`${folder}/${name}.key`)
  await createCertificates(settings, host.world, () => {})
})

describe('kubeconfig user', () => {
  test('prints a kubeconfig for somebody, with a certificate of the authority', async () => {
    const host = await Host.make()
    const lines = await host.says('kubeconfig user --client-name jane --org dev --org ops --validity-period 24h')
    const facts = readCluster(lines.join('\n'), 'jane.conf')
    assert.deepEqual([facts.clusterName, facts.user, facts.server], ['kubernetes', 'jane', 'https://10.0.0.1:6443'])
    const certificate = new X509Certificate(facts.certificate!)
    assert.equal(certificate.subject, 'O=dev + O=ops\nCN=jane')
    assert.equal(certificate.validToDate.getTime(), host.world.clock.now() + dayMs)
    assert.ok(isSignedBy(certificate, facts.certificateAuthority!))
  })

  test('or with a token; and not for nobody', async () => {
    const host = await Host.make()
    const text = (await host.says('kubeconfig user --client-name jane --token abc')).join('\n')
    assert.equal(parse(text).users[0].user.token, 'abc')
    const { code, err } = await host.run('kubeconfig user')
    assert.deepEqual([code, err[0]], [2, 'error: required flag(s) "client-name" not set'])
  })
})

test('status warns from 30 days before the end on, and still when all is over', async () => {
  const host = await Host.make()
  const warnings = async () => (await host.run('status')).out.filter((line) => line.startsWith('Warning'))
  await host.world.advance(334 * dayMs)
  assert.deepEqual(await warnings(), [])
  await host.world.advance(2 * dayMs)
  assert.equal(
    (await warnings())[0],
    'Warning: certificate admin.conf expires in 29d, on Jan 01, 2027 00:00 UTC; renew it: coracle certs renew all',
  )
  await host.world.advance(40 * dayMs)
  assert.match(
    (await warnings())[1]!,
    /^Warning: certificate apiserver has expired on Jan 01, 2027 00:00 UTC; renew it/,
  )
  const { out } = await host.run('status --output json')
  assert.equal(JSON.parse(out[0]!).warnings.length, 11)
})
