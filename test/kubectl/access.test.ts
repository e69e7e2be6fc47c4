import assert from 'node:assert/strict'
import { stories } from '../support/kubectl.ts'

stories({
  'auth can-i answers for oneself and for others': async ({ kubectl, namespace, settle }) => {
    assert.equal(await kubectl('auth can-i delete nodes'), 'yes')
    await kubectl('create role reader --verb=get,list --resource=pods,configmaps')
    await kubectl('create rolebinding jane-reads --role=reader --user=jane')
    await settle()
    assert.equal(await kubectl('auth can-i list pods --as=jane'), 'yes')
    const denied = await kubectl.run('auth can-i delete pods --as=jane')
    assert.deepEqual([denied.code, denied.stdout], [1, 'no\n'])
    const list = await kubectl('auth can-i --list --as=jane')
    assert.match(list, /^configmaps +\[\] +\[\] +\[get list\]$/m)
    assert.match(list, /^pods +\[\] +\[\] +\[get list\]$/m)
    assert.match(list, /^selfsubjectaccessreviews\.authorization\.k8s\.io +\[\] +\[\] +\[create\]$/m)
    assert.match(list, /^ +\[\/healthz\] +\[\] +\[get\]$/m)
    const elsewhere = await kubectl.run(`auth can-i list pods --as=jane -n kube-system`)
    assert.equal(elsewhere.stdout, 'no\n')
    assert.match(
      await kubectl.refused(`get secrets --as=jane -n ${namespace}`),
      /User "jane" cannot list resource "secrets" in API group "" in the namespace/,
    )
  },

  'Acting as a service account, and as a member of a group': async ({ kubectl, namespace, settle }) => {
    await kubectl('create serviceaccount robot')
    await kubectl('create role keeper --verb=create,get --resource=configmaps')
    await kubectl(`create rolebinding robot-keeps --role=keeper --serviceaccount=${namespace}:robot`)
    await settle()
    const robot = `--as=system:serviceaccount:${namespace}:robot`
    assert.equal(await kubectl(`create configmap made ${robot}`), 'configmap/made created')
    assert.match(await kubectl.refused(`delete configmap made ${robot}`), /cannot delete resource "configmaps"/)
    assert.equal(await kubectl('auth can-i delete configmaps --as=anybody --as-group=system:masters'), 'yes')
    assert.match(await kubectl.refused('get pods --as=eve --as-group=devs'), /User "eve" cannot list resource "pods"/)
  },

  'auth whoami says who the server takes one for': async ({ kubectl }) => {
    if (kubectl.minor < 28) return
    const rows = await kubectl.rows('auth whoami')
    assert.equal(rows.find((row) => row['ATTRIBUTE'] === 'Username')?.['VALUE'], 'kubernetes-admin')
    assert.equal(rows.find((row) => row['ATTRIBUTE'] === 'Groups')?.['VALUE'], '[system:masters system:authenticated]')
    assert.equal(await kubectl.read('auth whoami --as=jane', '{.status.userInfo.username}'), 'jane')
  },

  'auth reconcile adds what a role lacks, and takes away only when told to': async ({ kubectl, namespace }) => {
    // Newer ones do not add the namespace here by themselves.
    const role = (verbs: string) => `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: viewer
  namespace: ${namespace}
rules:
- apiGroups: [""]
  resources: ["pods"]
  verbs: [${verbs}]
`
    const verbs = async () => (await kubectl.read('get role viewer', '{.rules[*].verbs[*]}')).split(' ').sort()
    await kubectl('auth reconcile -f -', role('get, list'))
    assert.deepEqual(await verbs(), ['get', 'list'])
    await kubectl('auth reconcile -f -', role('get, watch'))
    assert.deepEqual(await verbs(), ['get', 'list', 'watch'])
    await kubectl('auth reconcile --remove-extra-permissions -f -', role('get'))
    assert.deepEqual(await verbs(), ['get'])
  },

  'create token gives a token with which its account asks, until it ends': async ({ kubectl, namespace, settle }) => {
    if (kubectl.minor < 24) return
    await kubectl('create serviceaccount robot')
    await kubectl('create role reader --verb=list --resource=configmaps')
    await kubectl(`create rolebinding robot-reads --role=reader --serviceaccount=${namespace}:robot`)
    await settle()
    const token = await kubectl(
      'create token robot --duration=10m --audience=https://kubernetes.default.svc.cluster.local',
    )
    const [, claims = ''] = token.split('.')
    const { aud, exp, iat, sub } = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8'))
    assert.deepEqual(aud, ['https://kubernetes.default.svc.cluster.local'])
    assert.deepEqual([exp - iat, sub], [600, `system:serviceaccount:${namespace}:robot`])
    const server = await kubectl.read('config view', '{.clusters[0].cluster.server}')
    const alone = `--kubeconfig=/dev/null --server=${server} --insecure-skip-tls-verify`
    assert.match(await kubectl(`get configmaps -n ${namespace} --token=${token} ${alone}`), /kube-root-ca\.crt/)
    assert.match(
      await kubectl.refused(`get secrets -n ${namespace} --token=${token} ${alone}`),
      /robot" cannot list resource "secrets"/,
    )
    const vault = await kubectl('create token robot --audience=vault')
    assert.match(
      await kubectl.refused(`get configmaps -n ${namespace} --token=${vault} ${alone}`),
      /must be logged in|Unauthorized/,
    )
  },

  'Roles of the system carry colons and dots in their names [X-52]': async ({ kubectl }) => {
    assert.equal(
      await kubectl.read('get rolebinding system::leader-locking-kube-scheduler -n kube-system', '{.roleRef.name}'),
      'system::leader-locking-kube-scheduler',
    )
    const roles = (await kubectl('get roles -n kube-system -o name')).split('\n').map((name) => name.split('/')[1])
    assert.ok(roles.includes('extension-apiserver-authentication-reader'))
    assert.ok(roles.includes('system:controller:bootstrap-signer'))
    assert.equal(
      await kubectl('get role system:controller:bootstrap-signer -n kube-public -o name'),
      'role.rbac.authorization.k8s.io/system:controller:bootstrap-signer',
    )
    assert.match(await kubectl.refused('create configmap system:with-colons'), /a lowercase RFC 1123 subdomain/)
  },
})
