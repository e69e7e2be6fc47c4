import assert from 'node:assert/strict'
import { dirname, relative, resolve } from 'node:path'
import { test } from 'node:test'
import { importsOf, root, sourceFiles } from './support/sources.ts'

/**
 * Folder → what it may import, and why that is all. The tree is the picture of the architecture: what is not listed
 * here is an arrow that the picture does not have.
 */
const layers: Readonly<Record<string, { readonly may: readonly string[]; readonly why: string }>> = {
  base: { may: [], why: 'leaf tools without opinions' },
  world: { may: ['base'], why: 'all non-determinism enters here' },
  schema: { may: ['base'], why: 'the type language knows no type' },
  cel: { may: ['base'], why: 'expressions know values, not objects' },
  kinds: { may: ['base', 'schema', 'cel'], why: 'a kind is a pure value; schemas of custom ones have rules' },
  store: { may: ['base', 'world', 'schema', 'etcd'], why: 'the store knows keys and bytes, not objects' },
  etcd: {
    may: ['base', 'world', 'schema'],
    why: "what speaks etcd's protocol; its messages are written in the schema language",
  },
  'etcd/server': {
    may: ['base', 'world', 'schema', 'etcd', 'store'],
    why: "etcd's protocol in front of a store, and what moves a store to etcd and back",
  },
  apiserver: {
    may: ['base', 'world', 'cel', 'schema', 'kinds', 'store'],
    why: 'requests in, answers out, state in the store; policies are expressions',
  },
  client: { may: ['base', 'world', 'schema', 'kinds'], why: 'the one way to the API; the server is handed in' },
  reconciler: { may: ['base', 'world', 'schema', 'kinds', 'client'], why: 'what controllers share' },
  controllers: {
    may: ['base', 'world', 'schema', 'kinds', 'client', 'reconciler'],
    why: 'they meet others through the API',
  },
  scheduler: {
    may: ['base', 'world', 'cel', 'schema', 'kinds', 'client', 'reconciler'],
    why: 'it meets others through the API; what a claim wants of a device is an expression',
  },
  kubelet: {
    may: ['base', 'world', 'schema', 'kinds', 'client', 'reconciler'],
    why: 'it meets others through the API',
  },
  metrics: {
    may: ['base', 'world', 'schema', 'kinds', 'client', 'reconciler'],
    why: 'it tells what others measure; what measures is handed in',
  },
  network: {
    may: ['base', 'world', 'schema', 'kinds', 'client', 'reconciler'],
    why: 'what clients of services meet is made of what the API holds',
  },
  lifecycle: {
    may: ['base', 'world', 'schema', 'kinds', 'etcd', 'client'],
    why: 'the care of a cluster goes through its API, its files, and the etcd below it',
  },
  cluster: {
    may: [
      'base',
      'world',
      'schema',
      'kinds',
      'store',
      'etcd/server',
      'apiserver',
      'client',
      'reconciler',
      'controllers',
      'scheduler',
      'kubelet',
      'metrics',
      'network',
      'lifecycle',
    ],
    why: 'the composition: the one place where both sides of the API are put together',
  },
  cli: {
    may: ['base', 'world', 'schema', 'kinds', 'client', 'lifecycle', 'cluster'],
    why: 'commands drive the composition',
  },
}

/** Files directly in `src/` wire everything. */
const composition = ''

test('every folder imports only what stands above it', () => {
  const faults: string[] = []
  for (const file of sourceFiles('src')) {
    const folder = folderOf(file)
    if (folder === composition) continue
    const layer = layers[folder]
    if (!layer) {
      faults.push(`${file}: src/${folder}/ is not in the picture; add it to test/layers.test.ts with a reason`)
      continue
    }
    // Suites and tests put both sides of a border together.
    if (/\.test\.ts$|(^|\/)(conformance|model|crash)[^/]*\.ts$/.test(file)) continue
    for (const target of importsOf(file)) {
      if (!target.startsWith('.')) continue
      const other = folderOf(relative(root, resolve(root, dirname(file), target)))
      if (other !== folder && !layer.may.includes(other))
        faults.push(
          `${file} imports ${target}: src/${folder}/ may import ${layer.may.join(', ') || 'nothing'} (${layer.why})`,
        )
    }
  }
  assert.deepEqual(faults, [])
})

function folderOf(file: string): string {
  const [, folder, ...rest] = file.split('/')
  if (rest.length > 1 && layers[`${folder}/${rest[0]}`]) return `${folder}/${rest[0]}`
  return rest.length === 0 ? composition : folder!
}
