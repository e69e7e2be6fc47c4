import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Client } from '../../client/client.ts'
import type { TokenRequestSpec } from '../../kinds/authentication/token-request.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import type { Volume } from '../../kinds/core/volumes.ts'
import { ApiError, notFound } from '../../schema/status.ts'
import type { Draft } from '../../schema/types.ts'
import { VirtualHost } from '../../world/virtual-host.ts'
import { HostVolumes } from './host-volumes.ts'
import { renewalOf } from './tokens.ts'

const minute = 60_000
const hour = 60 * minute
const never = new AbortController().signal
const base64 = (text: string) => Buffer.from(text).toString('base64')

/** A host, and an API that holds what a test puts into `objects`. */
function newHost(seed = 1) {
  const world = new VirtualHost(seed)
  const objects = new Map<string, object>()
  const requests: { readonly account: string; readonly spec: TokenRequestSpec }[] = []
  const api = {
    objects,
    requests,
    isUp: true,
    /** Seconds that tokens live, whatever is asked for. */
    lifeSeconds: undefined as number | undefined,
  }
  const client = {
    async get({ plural }: { readonly plural: string }, { name }: { readonly name: string }) {
      if (!api.isUp) throw new ApiError('ServiceUnavailable', 'nobody answers')
      const found = objects.get(`${plural}/${name}`)
      if (!found) throw notFound({ group: '', resource: plural }, name)
      return found
    },
    async createSubresource(_: unknown, { name }: { readonly name: string }, __: string, body: object) {
      if (!api.isUp) throw new ApiError('ServiceUnavailable', 'nobody answers')
      const { spec } = body as { readonly spec: TokenRequestSpec }
      requests.push({ account: name, spec })
      const expirationSeconds = api.lifeSeconds ?? spec.expirationSeconds!
      const expirationTimestamp = new Date(world.clock.now() + expirationSeconds * 1000).toISOString()
      return {
        spec: { ...spec, expirationSeconds },
        status: { token: `token-${requests.length}`, expirationTimestamp },
      }
    },
  } as unknown as Pick<Client, 'get' | 'createSubresource'>
  const volumes = new HostVolumes({ ...world, disk: world.disk, client, folder: '/pods', hostAddress: '10.0.0.1' })
  return { world, api, volumes }
}

const podWith = (...volumes: Draft<Volume>[]) =>
  ({
    metadata: { name: 'p', namespace: 'ns', uid: 'u', labels: { b: 'two "2"', a: 'one' } },
    spec: { serviceAccountName: 'robot', nodeName: 'n', volumes },
  }) as unknown as Pod

type TestHost = ReturnType<typeof newHost>

/** Path, mode and content of each file below the pod's volumes. */
async function filesOf({ world: { disk } }: TestHost, folder = '/pods/u/volumes'): Promise<string[]> {
  const found = await Promise.all(
    (await disk.list(folder)).map(async (name) => {
      const path = `${folder}/${name}`
      if ((await disk.stat(path))?.isFolder) return filesOf({ world: { disk } } as TestHost, path)
      const short = path.slice('/pods/u/volumes/kubernetes.io~'.length)
      return `${short} ${disk.modeOf(path)!.toString(8)} ${await disk.read(path)}`
    }),
  )
  return found.flat().sort()
}

async function mounted(host: TestHost, ...volumes: Draft<Volume>[]): Promise<string[]> {
  await host.volumes.untilMounted(podWith(...volumes), never, assert.fail)
  return filesOf(host)
}

describe('volumes of a pod that is processes', () => {
  test('hold the keys of ConfigMaps and Secrets, with their modes', async () => {
    const host = newHost()
    host.api.objects.set('configmaps/c', { data: { a: 'x', b: 'y' }, binaryData: { z: base64('bytes') } })
    host.api.objects.set('secrets/s', { data: { password: base64('secret') } })
    const files = await mounted(
      host,
      { name: 'all', configMap: { name: 'c' } },
      {
        name: 'some',
        configMap: { name: 'c', items: [{ key: 'b', path: 'deep/er', mode: 0o400 }], defaultMode: 0o600 },
      },
      { name: 'secret', secret: { secretName: 's', defaultMode: 0o440 } },
    )
    assert.deepEqual(files, [
      'configmap/all/a 644 x',
      'configmap/all/b 644 y',
      'configmap/all/z 644 bytes',
      'configmap/some/deep/er 400 y',
      'secret/secret/password 440 secret',
    ])
  })

  test('hold what the pod says of itself, and are empty when nothing is put into them', async () => {
    const host = newHost()
    const item = (path: string, fieldPath: string) => ({ path, fieldRef: { fieldPath } })
    const items = [
      item('name', 'metadata.name'),
      item('labels', 'metadata.labels'),
      item('one', "metadata.labels['a']"),
      item('none', "metadata.annotations['a']"),
    ]
    const files = await mounted(host, { name: 'd', downwardAPI: { items } }, { name: 'e', emptyDir: {} })
    assert.deepEqual(files, [
      'downward-api/d/labels 644 a="one"\nb="two \\"2\\""',
      'downward-api/d/name 644 p',
      'downward-api/d/none 644 ',
      'downward-api/d/one 644 one',
    ])
    assert.equal((await host.world.disk.stat('/pods/u/volumes/kubernetes.io~empty-dir/e'))?.isFolder, true)
  })

  test('are put together of several sources', async () => {
    const host = newHost()
    host.api.objects.set('configmaps/kube-root-ca.crt', { data: { 'ca.crt': 'authority' } })
    host.api.objects.set('secrets/s', { data: { key: base64('secret'), other: '' } })
    const sources = [
      { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      { secret: { name: 's', items: [{ key: 'key', path: 'key', mode: 0o400 }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
    ]
    assert.deepEqual(await mounted(host, { name: 'api', projected: { sources, defaultMode: 0o640 } }), [
      'projected/api/ca.crt 640 authority',
      'projected/api/key 400 secret',
      'projected/api/namespace 640 ns',
      'projected/api/token 640 token-1',
    ])
    const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u' }
    assert.deepEqual(host.api.requests, [{ account: 'robot', spec: { expirationSeconds: 3607, boundObjectRef } }])
  })

  test('may miss what is optional', async () => {
    const host = newHost()
    host.api.objects.set('configmaps/c', { data: { a: 'x' } })
    const items = [
      { key: 'a', path: 'a' },
      { key: 'none', path: 'none' },
    ]
    const files = await mounted(
      host,
      { name: 'c', configMap: { name: 'c', items, optional: true } },
      { name: 'none', configMap: { name: 'none', optional: true } },
      { name: 's', projected: { sources: [{ secret: { name: 'none', optional: true } }] } },
    )
    assert.deepEqual(files, ['configmap/c/a 644 x'])
  })

  test('are waited for, in the words of the kubelet', async () => {
    const host = newHost()
    const told: string[] = []
    const volumes = [
      { name: 'x', configMap: { name: 'y', items: [{ key: 'k', path: 'k' }] } },
      { name: 'z', projected: { sources: [{ secret: { name: 's' } }, { configMap: { name: 'c' } }] } },
    ]
    const done = host.volumes.untilMounted(podWith(...volumes), never, (message) => told.push(message))
    await host.world.advance(minute)
    host.api.objects.set('configmaps/y', { data: {} })
    await host.world.advance(minute)
    host.api.objects.set('configmaps/y', { data: { k: 'v' } })
    await host.world.advance(minute)
    host.api.objects.set('secrets/s', { data: { t: base64('u') } })
    host.api.objects.set('configmaps/c', {})
    await host.world.advance(minute)
    await done
    assert.deepEqual(told, [
      'MountVolume.SetUp failed for volume "x" : configmap "y" not found',
      'MountVolume.SetUp failed for volume "x" : configmap references non-existent config key: k',
      'MountVolume.SetUp failed for volume "z" : [secret "s" not found, configmap "c" not found]',
    ])
    assert.deepEqual(await filesOf(host), ['configmap/x/k 644 v', 'projected/z/t 644 u'])
  })

  test('of a kind that cannot be made say so, and a pod that is over is waited for no longer', async () => {
    const { world, volumes } = newHost()
    const end = new AbortController()
    const told: string[] = []
    const pod = podWith({ name: 'v', persistentVolumeClaim: { claimName: 'c' } })
    const done = volumes.untilMounted(pod, end.signal, (message) => told.push(message))
    await world.advance(minute)
    end.abort(new Error('over'))
    await assert.rejects(done, /over/)
    assert.match(told.join(), /^MountVolume.SetUp failed for volume "v" : volumes of its kind cannot be made/)
  })

  test('go with the pod; those of pods that nobody has go too', async () => {
    const host = newHost()
    const { disk } = host.world
    await mounted(host, { name: 'e', emptyDir: {} })
    await disk.write('/pods/gone/volumes/kubernetes.io~configmap/c/a', 'x')
    await disk.write('/pods/used/volumes/kubernetes.io~nfs/n/precious', 'x')
    await disk.write('/proc/mounts', 'server:/ /pods/used/volumes/kubernetes.io~nfs/n nfs rw 0 0\n')
    await host.volumes.keepOnly(new Set(['u']))
    assert.ok(await disk.stat('/pods/u'))
    assert.equal(await disk.stat('/pods/gone'), undefined)
    assert.ok(await disk.stat('/pods/used/volumes/kubernetes.io~nfs/n/precious'))
    await host.volumes.remove('u')
    assert.equal(await disk.stat('/pods/u'), undefined)
  })
})

describe('tokens of a pod that is processes', () => {
  const token = (audience?: string) => ({ serviceAccountToken: { path: 'token', ...(audience && { audience }) } })
  const pod = podWith({ name: 'api', projected: { sources: [token('vault')] } })
  const path = '/pods/u/volumes/kubernetes.io~projected/api/token'
  const begin = async (host: TestHost) => {
    await host.volumes.untilMounted(pod, never, assert.fail)
    return () => host.world.disk.read(path)
  }

  test('are renewed when a fifth of their life is left', async () => {
    const host = newHost()
    const read = await begin(host)
    assert.deepEqual(host.api.requests[0]!.spec.audiences, ['vault'])
    assert.equal(host.api.requests[0]!.spec.expirationSeconds, 3600)
    await host.world.advance(47 * minute)
    assert.equal(await read(), 'token-1')
    await host.world.advance(minute)
    assert.equal(await read(), 'token-2')
    await host.world.advance(48 * minute)
    assert.equal(await read(), 'token-3')
  })

  test('of a long life are renewed every day, as long as the API says that they live', async () => {
    const host = newHost()
    host.api.lifeSeconds = 7 * 24 * 3600
    const read = await begin(host)
    await host.world.advance(23 * hour)
    assert.equal(await read(), 'token-1')
    await host.world.advance(hour)
    assert.equal(await read(), 'token-2')
    assert.equal(renewalOf(100 * hour, 100 * hour, 5), 24 * hour - 5)
    assert.equal(renewalOf(10 * hour, 10 * hour, 5), 8 * hour - 5)
  })

  test('are asked for at moments of their own', async () => {
    const at = async (seed: number) => {
      const host = newHost(seed)
      const read = await begin(host)
      await host.world.advance(48 * minute - 10_000)
      for (let ms = 0; ; ms += 100, await host.world.advance(100)) if ((await read()) !== 'token-1') return ms
    }
    assert.notEqual(await at(1), await at(2))
  })

  test('are asked for again when nobody answers, and no more when the pod is gone', async () => {
    const host = newHost()
    const read = await begin(host)
    host.api.isUp = false
    await host.world.advance(50 * minute)
    assert.equal(await read(), 'token-1')
    host.api.isUp = true
    await host.world.advance(11_000)
    assert.equal(await read(), 'token-2')
    await host.volumes.remove('u')
    await host.world.advance(hour)
    assert.equal(host.api.requests.length, 2)
  })

  test('are renewed by the next kubelet', async () => {
    const host = newHost()
    const read = await begin(host)
    host.volumes.stop()
    await host.world.advance(2 * hour)
    assert.equal(await read(), 'token-1')
    host.volumes.takeOver(pod)
    await host.world.advance(0)
    assert.equal(await read(), 'token-2')
    await host.world.advance(48 * minute)
    assert.equal(await read(), 'token-3')
  })
})
