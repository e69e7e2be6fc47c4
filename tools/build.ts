/**
 * Bundles the program into one file, so that starting reads one file instead of some hundred, and makes images of the
 * memory that it has when it is loaded (`src/snapshot.ts`), so that most of the time even that is not read.
 *
 *   node tools/build.ts [BUNDLE]     default: .cache/build/coracle.mjs; beside it coracle.blob, and coracle.up.blob for `up`
 */

import { execFile } from 'node:child_process'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { builtinModules, createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type BuildOptions, build, type Plugin } from 'esbuild'
import { imageOf, nodeFlags } from './node-flags.ts'
import { trimImage } from './trim-image.ts'

const root = join(import.meta.dirname, '..')
const bundle = process.argv[2] ?? join(root, '.cache/build/coracle.mjs')

const common: BuildOptions = { bundle: true, platform: 'node', logLevel: 'warning' }

await build({
  ...common,
  entryPoints: [join(root, 'src/main.ts')],
  outfile: bundle,
  target: 'node22',
  format: 'esm',
  // Native code is loaded from where npm put it.
  external: ['lmdb'],
  // CommonJS dependencies ask for `require`.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  sourcemap: true,
})

/** Modules of Node.js that an image may hold; the others are loaded when something of them is used. */
const imaged = ['assert', 'assert/strict', 'buffer', 'crypto', 'events', 'fs', 'fs/promises', 'net', 'os', 'path']
imaged.push('process', 'stream', 'string_decoder', 'util', 'v8', 'zlib')

/** Modules, and parts of modules, of Node.js that are loaded by programs that have begun with an image. */
const loadedLate =
  /^(internal\/)?(assert|child_process|cluster|dgram|dns|errors\/|freelist|histogram|_?http|js_stream_socket|module$|perf|readline|socket_list|source_map\/source_map$|tls|_tls|tty|util\/colors|util\/parse_args)/

const late: Plugin = {
  name: 'late',
  setup({ onResolve, onLoad }) {
    // It begins by loading native code, and so runs when a store is opened.
    onResolve({ filter: /^lmdb$/, namespace: 'file' }, ({ path }) => ({ path, namespace: 'deferred' }))
    onLoad({ filter: /.*/, namespace: 'deferred' }, async ({ path }) => ({ contents: await deferredModule(path) }))
    // It is found here, and at once where it is needed: to look for it then takes longer than to load it.
    onResolve({ filter: /^node-gyp-build-optional-packages$/ }, ({ path }) => ({ path, namespace: 'native' }))
    onLoad({ filter: /.*/, namespace: 'native' }, ({ path }) => ({
      contents: `const { dirname } = require('node:path')
module.exports = () => {
  try {
    const addon = { exports: {} }
    process.dlopen(addon, ${JSON.stringify(findNative())})
    return addon.exports
  } catch {
    return __requireLate(${JSON.stringify(path)})(dirname(dirname(__requireLate.resolve('lmdb'))))
  }
}`,
      resolveDir: root,
    }))
    // What keys and values would go through that are no bytes, and kept objects: there are none in the database.
    const unused = /^(msgpackr|ordered-binary|weak-lru-cache)$/
    onResolve({ filter: unused }, ({ path }) => ({ path, namespace: 'nothing' }))
    onLoad({ filter: /.*/, namespace: 'nothing' }, () => ({ contents: 'exports.enableNullTermination = () => {}' }))
    // Each file that imports it would have its own object with all its names.
    onResolve({ filter: /^yaml$/, namespace: 'file' }, ({ path }) => ({ path, namespace: 'once' }))
    onLoad({ filter: /.*/, namespace: 'once' }, async ({ path }) => ({
      contents: `export { ${(await namesOf(path)).join()} } from ${JSON.stringify(find(path))}`,
      resolveDir: root,
    }))
    onResolve({ filter: /^(node:)?[a-z0-9_]+(\/[a-z]+)?$/ }, ({ path }) => {
      const name = path.replace(/^node:/, '')
      return builtinModules.includes(name) && !imaged.includes(name) ? { path: name, namespace: 'late' } : undefined
    })
    onLoad({ filter: /.*/, namespace: 'late' }, async ({ path }) => ({ contents: await lateModule(path) }))
  },
}

/** Where a package begins. */
const find = (name: string) => createRequire(import.meta.url).resolve(name)

/** The native code of the database for most systems, which have glibc; '' where it is not installed. */
function findNative(): string {
  const { resolve } = createRequire(find('lmdb'))
  try {
    return resolve(`@lmdb/lmdb-${process.platform}-${process.arch}/node.napi.glibc.node`)
  } catch {
    return ''
  }
}

/** What a module shows. */
async function namesOf(name: string): Promise<string[]> {
  return Object.keys(await import(name)).filter((key) => !/^(default|module\.exports)$/.test(key))
}

/** A module that runs another one when it is to open something. V8 compiles every function of that one for the image. */
async function deferredModule(name: string): Promise<string> {
  const { outputFiles } = await build({
    ...common,
    entryPoints: [find(name)],
    write: false,
    target: 'node22',
    format: 'cjs',
    minify: true,
    plugins: [late],
  })
  const text = JSON.stringify(outputFiles[0]!.text)
  return `const { setFlagsFromString } = require('node:v8')
setFlagsFromString('--no-lazy')
const run = new Function('module', 'exports', 'require', '__builtin', '__requireLate', '__filename', ${text})
setFlagsFromString('--lazy')
const requireBuiltin = (name) => __builtin(name.replace(/^node:/, ''))
const load = () => {
  const made = { exports: {} }
  run(made, made.exports, requireBuiltin, __builtin, __requireLate, process.argv[1])
  return made.exports
}
let loaded
exports.open = (options) => (loaded ??= load()).open(options)`
}

/** A module that shows what one of Node.js has, and loads that one when somebody looks. */
async function lateModule(name: string): Promise<string> {
  const names = await namesOf(`node:${name}`)
  return `let loaded
const get = () => (loaded ??= __builtin('${name}'))
for (const name of ${JSON.stringify(names)})
  Object.defineProperty(exports, name, { enumerable: true, get: () => get()[name] })
Object.defineProperty(exports, 'default', { enumerable: true, get })`
}

/** Instead of the list of all commands: what only others need is not part of the image. */
const upAlone: Plugin = {
  name: 'up-alone',
  setup({ onLoad }) {
    onLoad({ filter: /\/cli\/commands\/index\.ts$/ }, () => ({
      contents: `import { up } from './up.ts'
export const commands = [up]`,
      resolveDir: join(root, 'src/cli/commands'),
    }))
  },
}

async function makeImage(image: string, plugins: Plugin[]): Promise<void> {
  const source = image.replace(/\.blob$/, '.cjs')
  const { outputFiles } = await build({
    ...common,
    entryPoints: [join(root, 'src/snapshot.ts')],
    outfile: source,
    write: false,
    target: 'node22',
    format: 'cjs',
    // Its text is part of the image, and so in memory twice. What the names in a stack or a profile stand for says the map.
    minify: true,
    sourcemap: 'external',
    define: { 'import.meta.resolve': '__resolve' },
    // In an image `require` knows modules of Node.js alone: others are looked for from where the bundle lies.
    banner: {
      js: `Error.stackTraceLimit = 0; // Those that modules make while they are loaded would keep their code alive.
const __builtin = (name) => process.getBuiltinModule('node:' + name);
let __late;
const __lateRequire = () => (__late ??= __builtin('module').createRequire(__builtin('path').resolve(process.argv[1])));
const __requireLate = Object.assign((name) => __lateRequire()(name), { resolve: (name) => __lateRequire().resolve(name) });
const __resolve = (name) => __builtin('url').pathToFileURL(__requireLate.resolve(name)).href;`,
    },
    plugins,
  })

  // One letter beyond Latin-1, and V8 would keep two bytes for each of them all: in the image, and in the heap made of it.
  const escaped = (letter: string) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`
  const [map, text] = outputFiles.map((file) => file.text) as [string, string]
  writeFileSync(source, text.replace(/[^\0-\xff]/g, escaped))
  writeFileSync(`${source}.map`, map)

  // Who starts the program meanwhile finds the last image, or none, but never half of one.
  const unfinished = `${image}.${process.pid}`
  try {
    // Only who starts with the same flags can use all of the image.
    await run(process.execPath, [...nodeFlags, '--snapshot-blob', unfinished, '--build-snapshot', source])
    writeFileSync(
      unfinished,
      trimImage(readFileSync(unfinished), (module) => loadedLate.test(module)),
    )
    renameSync(unfinished, image)
  } catch (error) {
    rmSync(image, { force: true })
    const why = (error as { stderr?: string }).stderr?.trim().split('\n').at(-1) ?? error
    console.error(`build: no image of the program can be made here, so it will start more slowly: ${why}`)
  }
}

const run = promisify(execFile)
await Promise.all([makeImage(imageOf(bundle), [late]), makeImage(imageOf(bundle, 'up'), [upAlone, late])])
