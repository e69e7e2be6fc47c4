import assert from 'node:assert/strict'
import { isIPv6 } from 'node:net'
import { stories } from '../support/kubectl.ts'

stories(
  {
    'A Service of both families leads to the same pods over each [DST-04]': async ({ kubectl, settle }) => {
      await kubectl('create deployment web --image=nginx --replicas=2')
      const spec = { ipFamilyPolicy: 'RequireDualStack', selector: { app: 'web' }, ports: [{ port: 80 }] }
      // What these fields are, old kubectls ask the server.
      await kubectl(
        'create -f -',
        JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec }),
      )
      await settle()
      const [four, six] = (await kubectl.read('get svc web', '{.spec.clusterIPs[*]}')).split(' ')
      assert.match(four!, /^10\.\d+\.\d+\.\d+$/)
      assert.ok(isIPv6(six!) && six!.startsWith('fd00:10:96::'), six)
      assert.equal(await kubectl.read('get svc web', '{.spec.ipFamilies[*]}'), 'IPv4 IPv6')
      assert.equal((await kubectl.rows('get svc web'))[0]?.['CLUSTER-IP'], four)

      const podAddresses = (await kubectl.read('get pods', '{.items[*].status.podIPs[*].ip}')).split(' ')
      assert.equal(podAddresses.length, 4)
      const slices = await kubectl.rows('get endpointslices -l kubernetes.io/service-name=web')
      assert.deepEqual(slices.map(({ ADDRESSTYPE }) => ADDRESSTYPE).sort(), ['IPv4', 'IPv6'])
      for (const { ADDRESSTYPE, ENDPOINTS, PORTS } of slices) {
        const ofFamily = podAddresses.filter((address) => isIPv6(address) === (ADDRESSTYPE === 'IPv6'))
        assert.deepEqual(ENDPOINTS!.split(',').sort(), ofFamily.sort())
        assert.equal(PORTS, '80')
      }
    },
  },
  { own: true, dualStack: true },
)
