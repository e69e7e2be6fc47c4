import assert from 'node:assert/strict'
import { stories } from '../support/kubectl.ts'
import { serve } from '../support/served.ts'

stories({
  'There are no PodSecurityPolicies; namespaces say what their pods may do [ADM-19]': async ({
    kubectl,
    namespace,
  }) => {
    assert.match(
      await kubectl.refused('get podsecuritypolicies'),
      /^error: the server doesn't have a resource type "podsecuritypolicies"$/,
    )
    assert.match(
      await kubectl.refused('get --raw /apis/policy/v1beta1'),
      /^Error from server \(NotFound\): the server could not find the requested resource$/,
    )
    const policy = JSON.stringify({
      apiVersion: 'policy/v1beta1',
      kind: 'PodSecurityPolicy',
      metadata: { name: 'restricted' },
      spec: { privileged: false },
    })
    assert.match(
      await kubectl.refused('create -f -', policy),
      /no matches for kind "PodSecurityPolicy" in version "policy\/v1beta1"/,
    )
    await kubectl(`label namespace ${namespace} pod-security.kubernetes.io/enforce=baseline`)
    const container = { name: 'main', image: 'nginx' }
    const pod = (name: string, more: object) =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name },
        spec: { containers: [{ ...container, ...more }] },
      })
    assert.match(
      await kubectl.refused('create -f -', pod('mighty', { securityContext: { privileged: true } })),
      /pods "mighty" is forbidden: violates PodSecurity "baseline:latest": privileged \(container "main" must not set securityContext\.privileged=true\)$/,
    )
    assert.equal(await kubectl('create -f -', pod('modest', {})), 'pod/modest created')
  },

  'A server that is told to enable their plugin does not start, so that no pod is refused for want of one [ADM-20]':
    async ({ kubectl }) => {
      await assert.rejects(serve({ accessFlags: { 'enable-admission-plugins': 'PodSecurityPolicy' } }), {
        message: /enable-admission-plugins plugin "PodSecurityPolicy" is unknown/,
      })
      assert.equal(await kubectl('run web --image=nginx'), 'pod/web created')
    },

  'Nobody asks Heapster any more: what is used is in metrics.k8s.io [MET-09]': async ({ kubectl }) => {
    const { code, stderr } = await kubectl.run('top node --heapster-namespace=kube-system')
    if (kubectl.minor < 25)
      assert.match(stderr, /Flag --heapster-namespace has been deprecated, This flag is currently no-op/)
    else assert.equal([code, stderr.split('\n')[0]].join(), '1,error: unknown flag: --heapster-namespace')
    assert.match(
      await kubectl.refused(
        'get --raw /api/v1/namespaces/kube-system/services/http:heapster:/proxy/apis/metrics/v1alpha1/nodes',
      ),
      /not found|could not find/,
    )
    assert.match(await kubectl('get --raw /apis/metrics.k8s.io/v1beta1/nodes'), /"kind":"NodeMetricsList"/)
  },

  'The control plane needs no pod: its parts are processes of the host [MOD-01]': async ({ kubectl, settle }) => {
    const { stdout, stderr } = await kubectl.run('get pods -n kube-system')
    assert.deepEqual([stdout, stderr], ['', 'No resources found in kube-system namespace.\n'])
    assert.deepEqual((await kubectl.rows('get cs')).map(({ NAME, STATUS }) => `${NAME} ${STATUS}`).sort(), [
      'controller-manager Healthy',
      'etcd-0 Healthy',
      'scheduler Healthy',
    ])
    await kubectl('create deployment web --image=nginx')
    await settle()
    assert.equal((await kubectl.rows('get deployment web'))[0]?.['READY'], '1/1')
  },

  'A gitRepo volume is accepted with a warning, and never mounted [STO-02]': async ({ kubectl, settle }) => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'checkout' },
      spec: {
        containers: [{ name: 'main', image: 'nginx' }],
        volumes: [{ name: 'source', gitRepo: { repository: 'https://example.com/repository.git' } }],
      },
    }
    const { code, stderr } = await kubectl.run('create -f -', { file: JSON.stringify(pod) })
    assert.equal(code, 0)
    assert.match(
      stderr,
      /^Warning: spec\.volumes\[0\]\.gitRepo: deprecated in v1\.11, and disabled by default in v1\.33\+$/m,
    )
    await settle()
    assert.equal((await kubectl.rows('get pod checkout'))[0]?.['STATUS'], 'ContainerCreating')
    assert.match(await kubectl('describe pod checkout'), /Warning +FailedMount +\S+ +kubelet +.*GitRepoVolumeDriver/)
  },
})
