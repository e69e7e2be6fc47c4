/**
 * Node.js puts into each image of memory what V8 has compiled of all of its own modules: 4 MB of 13, which every process that
 * begins with the image reads and copies. All but a few of these modules are in the image already, or are never loaded.
 */

/** What is compiled of one module, and where that stands in an image. */
interface Compiled {
  readonly module: string
  readonly from: number
  readonly to: number
}

/**
 * The image with no more compiled modules of Node.js than those that `isKept` names (`internal/http2/core`). Others are
 * compiled when somebody loads them. An image of a form that is not known here stays as it is.
 */
export function trimImage(image: Buffer, isKept: (module: string) => boolean): Buffer {
  const list = findCompiled(image)
  if (list === undefined) return image
  const kept = list.compiled.filter(({ module }) => isKept(module))
  const count = Buffer.alloc(lengthBytes)
  count.writeBigUInt64LE(BigInt(kept.length))
  return Buffer.concat([image.subarray(0, list.at), count, ...kept.map(({ from, to }) => image.subarray(from, to))])
}

/** Of which modules of Node.js an image has what is compiled. */
export function compiledModules(image: Buffer): readonly string[] {
  return findCompiled(image)?.compiled.map(({ module }) => module) ?? []
}

/** Lengths and counts are 64 bits wide. */
const lengthBytes = 8
const fewestModules = 5
const mostModules = 2000
const longestName = 200
const name = /^[a-z0-9_/-]+$/i

/**
 * The list is what an image ends with (`SnapshotData` of Node.js): how many there are, and for each its name and the bytes,
 * both after their lengths. Nothing says where it begins: it is the last place from which such a list reaches to the very end.
 */
function findCompiled(image: Buffer): { readonly at: number; readonly compiled: readonly Compiled[] } | undefined {
  for (let at = image.length - lengthBytes; at >= 0; at--) {
    const count = lengthAt(image, at)
    if (count === undefined || count < fewestModules || count > mostModules) continue
    const compiled = compiledAt(image, at + lengthBytes, count)
    if (compiled) return { at, compiled }
  }
  return undefined
}

function compiledAt(image: Buffer, begin: number, count: number): Compiled[] | undefined {
  const compiled: Compiled[] = []
  let from = begin
  while (compiled.length < count) {
    const nameLength = lengthAt(image, from)
    if (nameLength === undefined || nameLength > longestName) return undefined
    const nameEnd = from + lengthBytes + nameLength
    const module = image.toString('latin1', from + lengthBytes, nameEnd)
    const codeLength = lengthAt(image, nameEnd)
    if (codeLength === undefined || !name.test(module)) return undefined
    const to = nameEnd + lengthBytes + codeLength
    compiled.push({ module, from, to })
    from = to
  }
  return from === image.length ? compiled : undefined
}

/** Nothing where no length can be that has its place in the image. */
function lengthAt(image: Buffer, at: number): number | undefined {
  if (at + lengthBytes > image.length || image.readUInt32LE(at + 4) !== 0) return undefined
  const length = image.readUInt32LE(at)
  return length <= image.length ? length : undefined
}
