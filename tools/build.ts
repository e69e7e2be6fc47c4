/**
 * Bundles `src/main.ts` into one file, so that starting reads one file instead of some hundred.
 *
 *   node tools/build.ts [FILE]     default: .cache/build/coracle.mjs
 */

import { join } from 'node:path'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..')

await build({
  entryPoints: [join(root, 'src/main.ts')],
  outfile: process.argv[2] ?? join(root, '.cache/build/coracle.mjs'),
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'esm',
  // Native code is loaded from where npm put it.
  external: ['lmdb'],
  // CommonJS dependencies ask for `require`.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  sourcemap: true,
  logLevel: 'warning',
})
