import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import { parse } from 'yaml'
import { HttpClient } from '../src/client/http.ts'
import { fromKubeconfig } from '../src/client/kubeconfig.ts'
import { ConfigMap } from '../src/kinds/core/config-map.ts'
import { Namespace } from '../src/kinds/core/namespace.ts'
import { Node } from '../src/kinds/core/node.ts'
import { ServiceAccount } from '../src/kinds/core/service-account.ts'
import { ApiError } from '../src/schema/status.ts'
import { Home } from './support/cli.ts'
import { quietWorld } from './support/served.ts'
import { root } from './support/sources.ts'

const upQuickly = ['up', '--port', '0', '--api-only'] as const

describe('the command line', { concurrency: 2 }, () => {
  test('help says what there is', async () => {
    await using home = await Home.make()
    const [bare, help, ofUp, dashed] = await Promise.all([
      home.run(),
      home.run('--help'),
      home.run('help', 'up'),
      home.run('up', '--help'),
    ])
    for (const { code, stderr } of [bare, help, ofUp, dashed]) assert.deepEqual([code, stderr], [0, ''])
    assert.equal(bare.stdout, help.stdout)
    assert.equal(ofUp.stdout, dashed.stdout)
    assert.match(help.stdout, /^Usage: coracle COMMAND \[flags\]$/m)
    for (const command of ['up', 'down', 'status', 'kubeconfig', 'version'])
      assert.match(help.stdout, new RegExp(`^ {2}${command} +[A-Z]`, 'm'))
    assert.match(ofUp.stdout, /^Usage: coracle up \[flags\]$/m)
    for (const flag of ['data-dir DIR', 'ephemeral', 'nodes N', 'port P', 'token-auth-file FILE', 'api-only', 'detach'])
      assert.match(ofUp.stdout, new RegExp(`^ {2}--${flag} +\\S`, 'm'))
    assert.ok(help.stdout.split('\n').every((line) => line.length <= 120))
  })

  test('who calls it wrongly is told how, with exit code 2', async () => {
    await using home = await Home.make()
    const cases: readonly (readonly [readonly string[], string])[] = [
      [['ip'], 'error: unknown command "ip"\n  see "coracle help"\n'],
      [['upp'], 'error: unknown command "upp"\n  did you mean "coracle up"?\n'],
      [['up', '--wrong'], 'error: Unknown option \'--wrong\'\n  see "coracle up --help"\n'],
      [['status', 'extra'], "error: Unexpected argument 'extra'"],
      [['up', '--port'], "error: Option '--port <value>' argument missing\n"],
      [['up', '--port', '65536'], 'error: --port must be a whole number from 0 to 65535, not "65536"\n'],
      [['up', '--port', '-1'], "error: Option '--port' argument is ambiguous"],
      [['up', '--nodes', 'many'], 'error: --nodes must be a whole number from 0 to 5000, not "many"\n'],
      [['up', '--dns-port', 'x'], 'error: --dns-port must be a whole number from 0 to 65535, not "x"\n'],
      [['up', '--nodes=1e3'], 'error: --nodes must be a whole number from 0 to 5000, not "1e3"\n'],
      [
        ['up', '--detach', '--ephemeral'],
        'error: --detach needs a data directory to find the cluster again\n  leave out --ephemeral\n',
      ],
      [
        ['up', '--feature-gates', 'HPAScaleToZero=true'],
        'error: invalid argument "HPAScaleToZero=true" for "--feature-gates" flag: HPAScaleToZero is alpha or off by default',
      ],
      [
        ['up', '--runtime-config', 'api/all=false'],
        'error: invalid argument "api/all=false" for "--runtime-config" flag: invalid key with only api/all=false\n',
      ],
      [['status', '--output', 'yaml'], 'error: --output knows json, not "yaml"\n'],
    ]
    for (const [args, message] of cases) {
      const { code, stdout, stderr } = await home.run(...args)
      assert.deepEqual([args, code, stdout, stderr.slice(0, message.length)], [args, 2, '', message])
    }
    assert.ok(!existsSync(home.path('.coracle')))
  })

  test('up in the foreground serves until it is interrupted', async () => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      await using home = await Home.make()
      const up = home.start('up', '--port', '0', '--nodes', '2')
      await up.until('Stop with Ctrl-C.\n')
      const [, port] = /127\.0\.0\.1:(\d+)/.exec(up.stdout)!
      assert.equal(
        up.stdout.replace(/in \d+ ms/, 'in N ms'),
        `Kubernetes API on https://127.0.0.1:${port}, 2 simulated nodes, ready in N ms\n` +
          `State in ${home.path('.coracle')}; context "coracle" is current in ${home.path('.kube/config')}\n` +
          'Try: kubectl create deployment web --image=nginx --replicas=3; kubectl get pods -o wide\n' +
          'Stop with Ctrl-C.\n',
      )
      await using client = await home.client()
      assert.equal((await client.list(Node)).items.length, 2)
      // A watch that is open keeps nobody from stopping.
      const watch = client.watch(Node, { signal: new AbortController().signal })[Symbol.asyncIterator]()
      assert.equal((await watch.next()).value?.type, 'ADDED')
      // How it ends is another story; that it ends must not end this one.
      const watched = watch.next().catch(() => {})
      up.kill(signal)
      const { code, stdout, stderr } = await up.ended
      assert.deepEqual([code, stderr], [0, ''])
      assert.match(stdout, /Stopping \.\.\.\n$/)
      assert.ok(!existsSync(home.path('.coracle/run.json')))
      await watched
    }
  })

  test('keys and kubeconfig are for their owner alone', async () => {
    await using home = await Home.make()
    await home.start(...upQuickly).until('Stop with')
    const modeOf = (...parts: string[]) => (statSync(home.path(...parts)).mode & 0o777).toString(8)
    for (const file of ['ca.key', 'apiserver.key', 'admin.key', 'sa.key'])
      assert.deepEqual([file, modeOf('.coracle/pki', file)], [file, '600'])
    assert.deepEqual([modeOf('.kube/config'), modeOf('.coracle'), modeOf('.coracle/run.json')], ['600', '700', '600'])
  })

  test('programs that begin with the same image of memory have each its own chance, time and process', async () => {
    const begin = async () => {
      await using home = await Home.make()
      const before = Date.now()
      const up = home.start('up', '--ephemeral', '--api-only', '--port', '0', '--kubeconfig', home.path('config'))
      await up.until('Stop with')
      await using client = await home.client('config')
      const { metadata } = await client.get(Namespace, { name: 'default' })
      assert.ok(Date.parse(metadata.creationTimestamp!) >= before - 1000, 'the clock is the machine’s')
      assert.ok(Number(/ready in (\d+) ms/.exec(up.stdout)![1]) <= Date.now() - before, 'it began when it was started')
      return [metadata.uid!, await home.read('config'), String(up.pid)]
    }
    const [first, second] = await Promise.all([begin(), begin()])
    for (const [at, value] of first.entries()) assert.notEqual(value, second[at])
  })

  test('a detached cluster is found, asked, stopped and gone on with', async () => {
    await using home = await Home.make()
    const none = await home.run('status')
    assert.equal(none.stdout, `No cluster is running on ${home.path('.coracle')}. Start one with: coracle up\n`)
    const lacking = await home.run('kubeconfig')
    assert.deepEqual(
      [lacking.code, lacking.stderr],
      [1, `error: no cluster is running on ${home.path('.coracle')}\n  start one with: coracle up\n`],
    )

    const up = await home.run(...upQuickly, '--detach')
    assert.deepEqual([up.code, up.stderr], [0, ''])
    assert.match(up.stdout, /^Kubernetes API on https:\S+, API server alone, ready in \d+ ms\n/)
    assert.match(up.stdout, /\nStop it with: coracle down\n$/)
    assert.doesNotMatch(up.stdout, /Ctrl-C/)

    const [status, json, again, printed] = await Promise.all([
      home.run('status'),
      home.run('status', '--output', 'json'),
      home.run('up'),
      home.run('kubeconfig'),
    ])
    const { pid, url, ...rest } = JSON.parse(json.stdout) as Readonly<Record<string, unknown>>
    assert.match(status.stdout, new RegExp(`^Ready: ${url}, process ${pid}, up for \\S+\n`))
    assert.deepEqual([rest['running'], rest['ready'], rest['dataDir']], [true, true, home.path('.coracle')])
    assert.equal(again.code, 0)
    assert.equal(again.stdout, `A cluster is running already on ${url} (process ${pid}).\nStop it with: coracle down\n`)
    assert.deepEqual(fromKubeconfig(printed.stdout), fromKubeconfig(await home.read('.kube/config')))

    await using client = await home.client()
    await client.create(ConfigMap, { metadata: { name: 'kept', namespace: 'default' } })
    const down = await home.run('down')
    assert.equal(down.stdout, `Stopped. The state is in ${home.path('.coracle')}; "coracle up" goes on with it.\n`)
    assert.throws(() => process.kill(Number(pid), 0), { code: 'ESRCH' })
    const nothing = await home.run('down')
    assert.deepEqual([nothing.code, nothing.stdout], [0, `No cluster is running on ${home.path('.coracle')}.\n`])

    await home.run(...upQuickly, '--detach')
    await using later = await home.client()
    assert.ok(await later.get(ConfigMap, { namespace: 'default', name: 'kept' }))
    await home.run('down')
  })

  test('kill -9 loses no write that was answered', async () => {
    await using home = await Home.make()
    const up = home.start(...upQuickly)
    await up.until('Stop with')
    await using client = await home.client()
    const acknowledged: string[] = []
    const write = async (writer: number): Promise<void> => {
      for (let count = 0; ; count++) {
        const name = `w${writer}-${count}`
        await client.create(ConfigMap, { metadata: { name, namespace: 'default' }, data: { name } })
        acknowledged.push(name)
        if (acknowledged.length === 300) up.kill('SIGKILL')
      }
    }
    const ends = await Promise.allSettled(Array.from({ length: 8 }, (_, writer) => write(writer)))
    for (const end of ends) assert.ok(end.status === 'rejected' && end.reason instanceof ApiError)
    assert.equal((await up.ended).signal, 'SIGKILL')
    assert.ok(acknowledged.length >= 300)

    // What the killed one left behind is no cluster.
    assert.match((await home.run('status')).stdout, /^No cluster is running/)
    await home.start(...upQuickly).until('Stop with')
    await using later = await home.client()
    const { items } = await later.list(ConfigMap, { namespace: 'default' })
    const there = new Set(items.map(({ metadata }) => metadata.name))
    assert.deepEqual(
      acknowledged.filter((name) => !there.has(name)),
      [],
    )
    // At most the one that each writer waited for may be there beyond those.
    assert.ok(there.size <= acknowledged.length + 8)
  })

  test('the kubeconfig keeps what others put there', async () => {
    await using home = await Home.make()
    await mkdir(home.path('.kube'))
    const before = `# mine
apiVersion: v1
kind: Config
clusters:
- name: work # the real one
  cluster: { server: "https://work:6443" }
contexts:
- name: work
  context: { cluster: work, user: me, namespace: prod }
current-context: work
users:
- name: me
  user: { token: abc }
`
    await writeFile(home.path('.kube/config'), before)
    const first = home.start(...upQuickly)
    await first.until('Stop with')
    first.kill('SIGINT')
    await first.ended
    const second = home.start(...upQuickly)
    await second.until('Stop with')
    const text = await home.read('.kube/config')
    const after = parse(text)
    const old = parse(before)
    for (const section of ['clusters', 'contexts', 'users']) {
      assert.equal(after[section].length, 2)
      assert.deepEqual(after[section][0], old[section][0])
    }
    assert.equal(after['current-context'], 'coracle')
    assert.ok(text.includes('# mine') && text.includes('# the real one'))
    assert.ok(second.stdout.includes(fromKubeconfig(text).server))
  })

  test('--kubeconfig and --data-dir name other places, relative ones too', async () => {
    await using home = await Home.make()
    const up = home.start(...upQuickly, '--data-dir', 'state', '--kubeconfig', 'k/admin.conf')
    await up.until('Stop with')
    assert.ok(
      up.stdout.includes(
        `State in ${home.path('state')}; context "coracle" is current in ${home.path('k/admin.conf')}`,
      ),
    )
    assert.ok(!existsSync(home.path('.kube')) && !existsSync(home.path('.coracle')))
    assert.match((await home.run('status', '--data-dir', 'state')).stdout, /^Ready: /)
    await using client = await home.client('k/admin.conf')
    assert.ok((await client.list(Namespace)).items.length > 0)
    await home.run('down', '--data-dir', 'state')
    assert.equal((await up.ended).code, 0)
  })

  test('--token-auth-file, --ephemeral and --api-only', async () => {
    await using home = await Home.make()
    await writeFile(home.path('tokens.csv'), '# who\nsecret-1,alice,1,"ops,system:masters"\nsecret-2,bob,2\n')
    const up = home.start(...upQuickly, '--ephemeral', '--token-auth-file', 'tokens.csv')
    await up.until('Stop with')
    assert.match(up.stdout, /API server alone/)
    assert.match(up.stdout, /\nState in memory; context "coracle" is current in /)
    assert.match(up.stdout, /\nTry: kubectl get namespaces\n/)
    assert.ok(!existsSync(home.path('.coracle')))
    await using admin = await home.client()
    assert.deepEqual((await admin.list(Node)).items, [])
    // Nobody is there to make the service account that every namespace gets.
    assert.deepEqual((await admin.list(ServiceAccount, { namespace: 'default' })).items, [])
    const endpoint = fromKubeconfig(await home.read('.kube/config'))
    const { clientCertificate: _, clientKey: __, ...bare } = endpoint
    await using alice = new HttpClient({ ...quietWorld, ...bare, token: 'secret-1' })
    assert.ok((await alice.list(Namespace)).items.length > 0)
    await using bob = new HttpClient({ ...quietWorld, ...bare, token: 'secret-2' })
    await assert.rejects(bob.list(Namespace), { reason: 'Forbidden', message: /User "bob" cannot list/ })
    up.kill('SIGINT')
    assert.equal((await up.ended).code, 0)
  })

  test('--prometheus and --metrics-rules are of use together, and the rules must make sense', async () => {
    await using home = await Home.make()
    const refused = async (...args: string[]) => {
      const { code, stderr } = await home.run(...upQuickly, '--ephemeral', ...args)
      return [code, stderr]
    }
    assert.deepEqual(await refused('--prometheus', 'http://127.0.0.1:9090'), [
      2,
      'error: --prometheus and --metrics-rules are of use together alone\n',
    ])
    await writeFile(home.path('rules.yaml'), 'rules: [{seriesQuery: a}]')
    assert.deepEqual(await refused('--prometheus', 'http://127.0.0.1:9090', '--metrics-rules', 'rules.yaml'), [
      2,
      'error: --metrics-rules: rules[0].metricsQuery: must be set\n',
    ])
    const absent = await refused('--prometheus', 'http://127.0.0.1:9090', '--metrics-rules', 'absent.yaml')
    assert.deepEqual(absent, [1, 'error: --metrics-rules: there is no file absent.yaml\n'])
  })

  test('the script finds its checkout from anywhere', async () => {
    await using home = await Home.make()
    await symlink(`${root}/coracle`, home.path('coracle'))
    const { stdout, status } = spawnSync(home.path('coracle'), ['version'], { cwd: home.folder, encoding: 'utf8' })
    assert.equal(status, 0)
    assert.match(stdout, /^Kubernetes v1\.36\.\d+ \(Coracle\)\n$/)
  })
})
