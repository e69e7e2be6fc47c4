/** One host with `init`: a privileged pod of the API that names a form of this program is a process, with its volumes. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { agentOf, restartAgent } from '../support/host-agent.ts'
import { type Host, Hosts, hostsMissing, until } from '../support/hosts.ts'

const folder = '/var/lib/coracle/copy'
const account = '/run/secrets/kubernetes.io/serviceaccount'

/** A second scheduler, for pods that want it: its settings come from a ConfigMap, its credential is its pod's. */
const scheduler = (address: string) => `
apiVersion: v1
kind: ServiceAccount
metadata: {name: copy}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: copy}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: copy, namespace: default}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: copy}
data:
  config.yaml: |
    apiVersion: kubescheduler.config.k8s.io/v1
    kind: KubeSchedulerConfiguration
    profiles: [{schedulerName: copy}]
  scheduler.conf: |
    apiVersion: v1
    kind: Config
    clusters: [{name: c, cluster: {certificate-authority: /var${account}/ca.crt, server: "https://${address}:6443"}}]
    contexts: [{name: c, context: {cluster: c, user: c}}]
    current-context: c
    users: [{name: c, user: {tokenFile: /var${account}/token}}]
---
${podOf('copy', 10_359, 'copy')}
`

function podOf(name: string, port: number, configMap: string, scheduler = 'default-scheduler') {
  return `
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  hostNetwork: true
  serviceAccountName: copy
  schedulerName: ${scheduler}
  terminationGracePeriodSeconds: 5
  containers:
  - name: main
    image: registry.k8s.io/kube-scheduler:v1.36.2
    command:
    - /usr/local/bin/kube-scheduler
    - --config=${folder}/config.yaml
    - --kubeconfig=${folder}/scheduler.conf
    - --leader-elect-resource-name=$(NAME)
    - --secure-port=${port}
    env: [{name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
    securityContext: {privileged: true}
    readinessProbe: {httpGet: {path: /healthz, port: ${port}, scheme: HTTPS, host: 127.0.0.1}, periodSeconds: 1}
    volumeMounts: [{name: settings, mountPath: ${folder}, readOnly: true}]
  volumes: [{name: settings, configMap: {name: ${configMap}, defaultMode: 0440}}]
`
}

describe('a pod that is processes of its host', { skip: hostsMissing() ?? false }, () => {
  let hosts: Hosts
  let host: Host

  const read = (what: string, path: string) => host.kubectl('get', ...what.split(' '), '-o', `jsonpath=${path}`)
  const apply = async (text: string) => {
    await host.write('/etc/kubernetes/applied.yaml', text)
    await host.kubectl('apply', '-f', '/etc/kubernetes/applied.yaml')
  }
  const processOf = (port: number) => host.processes().find(({ args }) => args.includes(`--secure-port=${port}`))
  const untilReady = (name: string) =>
    until(`${name} is ready`, async () => {
      const path = '{.status.phase} {.status.containerStatuses[0].ready} {.status.containerStatuses[0].restartCount}'
      return (await read(`pod ${name}`, path)) === 'Running true 0'
    })
  const volumesOf = async (name: string) =>
    `${host.folder}/var/lib/kubelet/pods/${await read(`pod ${name}`, '{.metadata.uid}')}`

  before(async () => {
    hosts = await Hosts.create({ count: 1, names: ['master1'] })
    host = hosts.all[0]!
    const { code, stdout, stderr } = await host.coracle('init', '--ignore-preflight-errors', 'NumCPU,Mem')
    assert.equal(code, 0, stdout + stderr)
    await host.kubectl('taint', 'nodes', '--all', 'node-role.kubernetes.io/control-plane-')
  })
  after(() => hosts?.[Symbol.asyncDispose]())

  it('runs, is ready, and sees its volumes where they are mounted', async () => {
    await apply(scheduler(host.address))
    await untilReady('copy')
    const { pid } = processOf(10_359)!
    const see = (path: string) => readFile(`/proc/${pid}/root${path}`, 'utf8')
    assert.match(await see(`${folder}/config.yaml`), /schedulerName: copy/)
    assert.equal(await see(`${account}/namespace`), 'default')
    assert.equal(await see(`${account}/ca.crt`), await host.read('/etc/kubernetes/pki/ca.crt'))
    const [, claims = ''] = (await see(`${account}/token`)).split('.')
    const { sub, 'kubernetes.io': bound } = JSON.parse(Buffer.from(claims, 'base64url').toString())
    assert.deepEqual([sub, bound.pod.name], ['system:serviceaccount:default:copy', 'copy'])
    // The host itself has places to mount at.
    assert.equal((await host.sh(`ls ${folder}`)).stdout, '')
    const files = `${await volumesOf('copy')}/volumes/kubernetes.io~configmap/settings/*`
    assert.equal((await host.sh(`stat -c %a ${files}`)).stdout, '440\n440\n')
  })

  it('has a log', async () => {
    const text = await until('it leads', async () => {
      const said = await host.kubectl('logs', 'copy')
      return said.includes('this process leads from now on') && said
    })
    assert.equal(await host.kubectl('logs', 'copy', '--tail=1'), text.split('\n').at(-1))
    const simulated = await host.tryKubectl('logs', '-n', 'kube-system', 'deployment/coredns')
    assert.notEqual(simulated.code, 0)
  })

  it('goes on while the kubelet is killed, and the next one looks after it, with a new token', async () => {
    const { pid } = processOf(10_359)!
    const token = () => readFile(`/proc/${pid}/root${account}/token`, 'utf8')
    const before = await token()
    await restartAgent(host, agentOf(host))
    await until('a new token', async () => (await token()) !== before)
    assert.equal(processOf(10_359)?.pid, pid)
    await untilReady('copy')
    assert.match(await host.kubectl('logs', 'copy'), /this process leads from now on/)
  })

  it('waits for what it is to mount, and says so', async () => {
    // The other one schedules it: its settings are those of the ConfigMap.
    await apply(podOf('late', 10_360, 'late', 'copy'))
    const told = await until('it says so', () =>
      read('events --field-selector involvedObject.name=late,reason=FailedMount', '{.items[*].message}'),
    )
    assert.equal(told, 'MountVolume.SetUp failed for volume "settings" : configmap "late" not found')
    assert.equal(await read('pod late', '{.status.phase}'), 'Pending')
    assert.equal(processOf(10_360), undefined)
    await apply(scheduler(host.address).split('---')[2]!.replace('{name: copy}', '{name: late}'))
    await untilReady('late')
    assert.ok(processOf(10_360))
  })

  it('ends before it is deleted, and its volumes go', async () => {
    const volumes = await volumesOf('copy')
    assert.ok(existsSync(volumes))
    await host.kubectl('delete', 'pod', 'copy')
    assert.equal(processOf(10_359), undefined)
    assert.equal(existsSync(volumes), false)
    assert.ok(processOf(10_360))
  })

  it('ends when it was deleted for good while no kubelet ran', async () => {
    const volumes = await volumesOf('late')
    const args = agentOf(host)
    host.killAll('kubelet')
    await host.kubectl('delete', 'pod', 'late', '--force', '--grace-period=0')
    assert.ok(processOf(10_360))
    await restartAgent(host, args)
    await until('it has ended', async () => processOf(10_360) === undefined && !existsSync(volumes))
  })

  it('ends with reset', async () => {
    await apply(podOf('copy', 10_359, 'copy'))
    await untilReady('copy')
    const { code, stdout, stderr } = await host.coracle('reset', '--force')
    assert.equal(code, 0, stdout + stderr)
    assert.doesNotMatch(stdout + stderr, /Failed to unmount/)
    assert.equal(processOf(10_359), undefined)
    for (const path of ['/var/lib/kubelet/pods', '/run/coracle/pods']) assert.ok(!existsSync(host.folder + path), path)
  })
})
