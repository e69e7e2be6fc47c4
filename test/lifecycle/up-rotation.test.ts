import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Namespace } from '../../src/kinds/core/namespace.ts'
import { parseBundle } from '../../src/lifecycle/pki/files.ts'
import { readCluster } from '../../src/lifecycle/pki/kubeconfigs.ts'
import { rotationSteps } from '../../src/lifecycle/pki/rotate.ts'
import { Home } from '../support/cli.ts'

test('a running cluster gets another authority, and "up" brings the kubeconfig up to date with each step', async () => {
  await using home = await Home.make()
  const said = async (...args: string[]) => {
    const { code, stdout, stderr } = await home.run(...args)
    assert.deepEqual([code, stderr], [0, ''], args.join(' '))
    return stdout
  }
  const namespaces = async () => {
    await using client = await home.client()
    return (await client.list(Namespace)).items.length
  }
  const authority = async () => (await home.read('.coracle', 'pki', 'ca.crt')).trim()
  await said('up', '--detach', '--port', '0', '--api-only')
  const old = await home.read('.kube', 'config')

  for (const step of rotationSteps) {
    const rotated = await said('certs', 'rotate-ca', 'ca', '--data-dir', home.path('.coracle'))
    assert.match(rotated, new RegExp(`\\(${step}\\) for ca:`))
    assert.match(rotated, /"coracle up" brings it up to date/)
    assert.match(
      await said('up'),
      /running already on .*\nContext "coracle" is up to date again, and current, in \S+\n/s,
    )
    const text = await home.read('.kube', 'config')
    assert.equal(readCluster(text, '').certificateAuthority!.trim(), await authority())
    assert.equal(await said('kubeconfig'), text)
    assert.equal(await namespaces(), 4)
    assert.doesNotMatch(await said('up'), /Context/)
  }
  assert.equal(parseBundle(await authority()).length, 1)
  assert.notEqual(await authority(), readCluster(old, '').certificateAuthority!.trim())
})
