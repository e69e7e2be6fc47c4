/** Bundles `src/main.ts` into one file, so that starting reads one file instead of some hundred. */

import { join } from 'node:path'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..')

await build({
  entryPoints: [join(root, 'src/main.ts')],
  outfile: join(root, '.cache/build/coracle.mjs'),
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
