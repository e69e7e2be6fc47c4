import assert from 'node:assert/strict'
import { eventually } from '../support/caller.ts'
import { type Scene, stories } from '../support/kubectl.ts'

const service = (spec: object, name = 'web', more: object = {}) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec, ...more })

const web = async ({ kubectl, settle }: Scene, replicas = 2) => {
  await kubectl(`create deployment web --image=nginx --replicas=${replicas} --port=80`)
  await settle()
}

const addresses = async ({ kubectl }: Scene, name = 'web') =>
  (await kubectl.read(`get endpoints ${name}`, '{.subsets[*].addresses[*].ip}')).split(' ').filter(Boolean).sort()

const podAddresses = async ({ kubectl }: Scene) =>
  (await kubectl.read('get pods', '{.items[*].status.podIP}')).split(' ').filter(Boolean).sort()

stories({
  'Expose gives a Service an address, the ports and the selector of the Deployment [SVC-01 SVC-03 SVC-07 SVC-25]':
    async (scene) => {
      const { kubectl, settle } = scene
      await web(scene)
      assert.equal(
        await kubectl('expose deployment web --port=88 --type=NodePort --target-port=80 --name=nginx-service'),
        'service/nginx-service exposed',
      )
      await settle()
      const [{ AGE: _, ...row } = {}] = await kubectl.rows('get svc')
      assert.deepEqual(Object.keys(row), ['NAME', 'TYPE', 'CLUSTER-IP', 'EXTERNAL-IP', 'PORT(S)'])
      assert.match(row['PORT(S)']!, /^88:3[0-2]\d{3}\/TCP$/)
      assert.match(row['CLUSTER-IP']!, /^10\.\d+\.\d+\.\d+$/)
      assert.deepEqual([row['TYPE'], row['EXTERNAL-IP']], ['NodePort', '<none>'])
      assert.equal((await kubectl.rows('get svc -o wide'))[0]?.['SELECTOR'], 'app=web')
      assert.equal(await kubectl.read('get svc nginx-service', '{.spec.ports[0].targetPort}'), '80')
      assert.deepEqual(await addresses(scene, 'nginx-service'), await podAddresses(scene))

      await kubectl('expose deployment web --port=80')
      assert.equal((await kubectl.rows('get svc web'))[0]?.['TYPE'], 'ClusterIP')
      const [kubernetes] = await kubectl.rows('get svc kubernetes -n default')
      assert.deepEqual([kubernetes?.['CLUSTER-IP'], kubernetes?.['PORT(S)']], ['10.96.0.1', '443/TCP'])
    },

  'The endpoints follow the pods, and the address stays [SVC-02 SVC-29 SVC-08]': async (scene) => {
    const { kubectl, settle } = scene
    await web(scene)
    await kubectl('expose deployment web --port=80 --target-port=9376')
    await settle()
    const address = await kubectl.read('get svc web', '{.spec.clusterIP}')
    const before = await addresses(scene)
    assert.deepEqual(before, await podAddresses(scene))
    for (const replicas of [4, 1]) {
      await kubectl(`scale deployment web --replicas=${replicas}`)
      await settle()
      assert.equal((await addresses(scene)).length, replicas)
      assert.deepEqual(await addresses(scene), await podAddresses(scene))
    }
    await kubectl('delete pod -l app=web')
    await settle()
    assert.deepEqual(await addresses(scene), await podAddresses(scene))
    assert.equal(await kubectl.read('get svc web', '{.spec.clusterIP}'), address)
    const [row] = await kubectl.rows('get endpoints web')
    assert.equal(row?.['ENDPOINTS'], `${(await podAddresses(scene))[0]}:9376`)
    const [slice] = await kubectl.rows('get endpointslices')
    assert.match(slice!['NAME']!, /^web-\w{5}$/)
    assert.deepEqual(
      [slice?.['ADDRESSTYPE'], slice?.['PORTS'], slice?.['ENDPOINTS']],
      ['IPv4', '9376', (await podAddresses(scene))[0]],
    )
  },

  'Node ports are in their range, and each is given once [SVC-04 SVC-05 SVC-06]': async ({ kubectl }) => {
    const port = (nodePort: number) => ({ type: 'NodePort', ports: [{ port: 8080, nodePort }] })
    const chosen = 30_100 + kubectl.minor
    await kubectl('create -f -', service(port(chosen)))
    assert.equal((await kubectl.rows('get svc web'))[0]?.['PORT(S)'], `8080:${chosen}/TCP`)
    assert.equal(
      await kubectl.refused('create -f -', service(port(chosen), 'other')),
      `The Service "other" is invalid: spec.ports[0].nodePort: Invalid value: ${chosen}: provided port is already allocated`,
    )
    assert.equal(
      await kubectl.refused('create -f -', service(port(40_000), 'other')),
      'The Service "other" is invalid: spec.ports[0].nodePort: Invalid value: 40000: provided port is not in the valid range. The range of valid ports is 30000-32767',
    )
    await kubectl('delete svc web')
    assert.equal(await kubectl('create -f -', service(port(chosen), 'other')), 'service/other created')
  },

  'LoadBalancer, ExternalName and headless [SVC-09 SVC-10 SVC-11]': async (scene) => {
    const { kubectl, settle } = scene
    await web(scene)
    await kubectl('create service loadbalancer balanced --tcp=80')
    const [balanced] = await kubectl.rows('get svc balanced')
    assert.equal(balanced?.['EXTERNAL-IP'], '<pending>')
    assert.match(balanced!['PORT(S)']!, /^80:3\d{4}\/TCP$/)

    await kubectl('create service externalname elsewhere --external-name=redis.ik8s.io')
    const [elsewhere] = await kubectl.rows('get svc elsewhere')
    assert.deepEqual(
      [elsewhere?.['TYPE'], elsewhere?.['CLUSTER-IP'], elsewhere?.['EXTERNAL-IP'], elsewhere?.['PORT(S)']],
      ['ExternalName', '<none>', 'redis.ik8s.io', '<none>'],
    )
    assert.match(
      await kubectl.refused('create -f -', service({ type: 'ExternalName' }, 'nowhere')),
      /spec\.externalName: Required value/,
    )

    await kubectl('expose deployment web --port=80 --cluster-ip=None')
    await settle()
    assert.equal((await kubectl.rows('get svc web'))[0]?.['CLUSTER-IP'], 'None')
    assert.deepEqual(await addresses(scene), await podAddresses(scene))
  },

  'A Service without a selector has the endpoints that somebody writes [SVC-13]': async (scene) => {
    const { kubectl, settle } = scene
    await kubectl('create -f -', service({ ports: [{ port: 80 }] }, 'outside'))
    await settle()
    assert.match(await kubectl.refused('get endpoints outside'), /endpoints "outside" not found$/)
    await kubectl(
      'create -f -',
      '{"apiVersion":"v1","kind":"Endpoints","metadata":{"name":"outside"},"subsets":[{"addresses":[{"ip":"1.2.3.4"}],"ports":[{"port":9376}]}]}',
    )
    assert.equal((await kubectl.rows('get endpoints outside'))[0]?.['ENDPOINTS'], '1.2.3.4:9376')
    await settle()
    const slices = await kubectl.read(
      'get endpointslices -l kubernetes.io/service-name=outside',
      '{.items[*].endpoints[*].addresses[0]}',
    )
    assert.match(slices, /^(1\.2\.3\.4)?$/)
  },

  'Three endpoints are shown and the rest counted, with a word on what comes after Endpoints [SVC-14]': async (
    scene,
  ) => {
    const { kubectl, settle } = scene
    await web(scene, 4)
    await kubectl('expose deployment web --port=80')
    await settle()
    const { stdout, stderr } = await kubectl.run('get endpoints web')
    assert.match(stdout, /^NAME +ENDPOINTS +AGE\nweb +(\S+:80,){2}\S+:80 \+ 1 more\.\.\. +\S+\n$/)
    assert.equal(stderr, 'Warning: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice\n')
  },

  'Describe shows ports and endpoints, of the cluster name service too [SVC-15 SVC-16 SVC-23 SVC-24]': async (
    scene,
  ) => {
    const { kubectl, settle } = scene
    await web(scene)
    const ports = [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'dns-tcp', port: 53, protocol: 'TCP' },
    ]
    await kubectl('create -f -', service({ selector: { app: 'web' }, ports }, 'kube-dns'))
    await settle()
    const [row] = await kubectl.rows('get svc kube-dns')
    assert.deepEqual([row?.['TYPE'], row?.['EXTERNAL-IP'], row?.['PORT(S)']], ['ClusterIP', '<none>', '53/UDP,53/TCP'])
    const text = await kubectl('describe svc kube-dns')
    for (const line of [
      /^Name: +kube-dns$/m,
      /^Labels: +<none>$/m,
      /^Selector: +app=web$/m,
      /^Type: +ClusterIP$/m,
      /^IP: +10\.\d+\.\d+\.\d+$/m,
      /^Port: +dns +53\/UDP$/m,
      /^TargetPort: +53\/UDP$/m,
      /^Port: +dns-tcp +53\/TCP$/m,
      /^Endpoints: +\d\S+:53,\d\S+:53$/m,
      /^Session Affinity: +None$/m,
      /^Events: +<none>$/m,
    ])
      assert.match(text, line)
    const endpoints = await kubectl('describe endpoints kube-dns')
    assert.match(endpoints, new RegExp(`^ +Addresses: +${(await addresses(scene, 'kube-dns')).join(',')}$`, 'm'))
    assert.match(endpoints, /^ +NotReadyAddresses: +<none>$/m)
    assert.match(endpoints, /^ +Name +Port +Protocol\n +-+ +-+ +-+\n +dns +53 +UDP\n +dns-tcp +53 +TCP$/m)
  },

  'A pod that is not ready gets no traffic [SVC-17 PRB-01]': async (scene) => {
    const { kubectl, settle } = scene
    await web(scene, 1)
    await kubectl('expose deployment web --port=80')
    await kubectl(
      `run late --image=nginx --labels=app=web --overrides='{"apiVersion":"v1","metadata":{"annotations":{"simulation.coracle.dev/ready-after":"10m"}}}'`,
    )
    await kubectl('wait --for=condition=ContainersReady=false pod/late --timeout=10s')
    const notReady = '{.subsets[0].notReadyAddresses[0].targetRef.name}'
    const late = await eventually(async () => (await kubectl.read('get endpoints web', notReady)) || undefined)
    assert.equal(late, 'late')
    assert.equal((await addresses(scene)).length, 1)
    const [row] = await kubectl.rows('get pod late')
    assert.deepEqual([row?.['READY'], row?.['STATUS']], ['0/1', 'Running'])
    await kubectl('delete pod late --force --grace-period=0')
    await settle()
  },

  'Names and fields that are not written as they must be [SVC-27 SVC-28 DNS-05]': async ({ kubectl }) => {
    assert.match(
      await kubectl.refused('create -f -', service({ ports: [{ port: 80 }] }, 'Service-yaohong')),
      /^The Service "Service-yaohong" is invalid: metadata\.name: Invalid value: "Service-yaohong": a (lowercase RFC 1123|DNS-1035) label must consist of lower case/m,
    )
    const typo = service({ type: 'NodePort', ports: [{ port: 80, nodeport: 30_123 }] })
    // Old kubectls check against the server's description of the API, new ones have the server check.
    assert.match(
      await kubectl.refused('create -f -', typo),
      kubectl.minor < 25
        ? /unknown field "nodeport" in io\.k8s\.api\.core\.v1\.ServicePort/
        : /strict decoding error: unknown field "spec\.ports\[0\]\.nodeport"/,
    )
    const options = [{ name: 'ndots', values: '5' }]
    const pod = JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p' },
      spec: { dnsConfig: { options }, containers: [{ name: 'c', image: 'i' }] },
    })
    assert.match(
      await kubectl.refused('create -f -', pod),
      kubectl.minor < 25
        ? /unknown field "values" in io\.k8s\.api\.core\.v1\.PodDNSConfigOption/
        : /strict decoding error: unknown field "spec\.dnsConfig\.options\[0\]\.values"/,
    )
  },

  'A pod with its own resolver must say which [DNS-02 DNS-03 DNS-04]': async ({ kubectl }) => {
    const pod = (name: string, spec: object) =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name },
        spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
      })
    assert.match(
      await kubectl.refused('create -f -', pod('p', { dnsPolicy: 'None' })),
      /spec\.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None$/,
    )
    for (const dnsPolicy of ['Default', 'ClusterFirst', 'ClusterFirstWithHostNet'])
      await kubectl('create -f -', pod(dnsPolicy.toLowerCase(), { dnsPolicy }))
    assert.match(
      await kubectl.refused('create -f -', pod('p', { dnsPolicy: 'Never' })),
      /spec\.dnsPolicy: Unsupported value: "Never": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"$/,
    )
    const dnsConfig = {
      nameservers: ['10.96.0.10', '223.5.5.5'],
      searches: ['svc.cluster.local', 'cluster.local', 'ilinux.io'],
      options: [{ name: 'ndots', value: '5' }],
    }
    await kubectl('create -f -', pod('own', { dnsPolicy: 'None', dnsConfig }))
    assert.equal(await kubectl.read('get pod own', '{.spec.dnsConfig.nameservers[*]}'), '10.96.0.10 223.5.5.5')
  },

  'An Ingress by host and path, with TLS [ING-03 ING-06 ING-07]': async ({ kubectl }) => {
    const ingress = (apiVersion: string, spec: object) =>
      JSON.stringify({ apiVersion, kind: 'Ingress', metadata: { name: 'kubia' }, spec })
    const rules = [
      {
        host: 'kubia.example.com',
        http: {
          paths: [
            { path: '/', pathType: 'Prefix', backend: { service: { name: 'kubia-nodeport', port: { number: 80 } } } },
          ],
        },
      },
    ]
    assert.match(
      await kubectl.refused('create -f -', ingress('v1', { rules })),
      /no matches for kind "Ingress" in version "v1"/,
    )
    assert.equal(
      await kubectl('create -f -', ingress('networking.k8s.io/v1', { rules })),
      'ingress.networking.k8s.io/kubia created',
    )
    const [{ AGE: _, ...row } = {}] = await kubectl.rows('get ing')
    assert.deepEqual(row, { NAME: 'kubia', CLASS: '<none>', HOSTS: 'kubia.example.com', ADDRESS: '', PORTS: '80' })
    const tls = [{ hosts: ['kubia.example.com'], secretName: 'tls-secret' }]
    await kubectl('apply -f -', ingress('networking.k8s.io/v1', { rules, tls }))
    assert.equal((await kubectl.rows('get ing'))[0]?.['PORTS'], '80, 443')
  },
})
