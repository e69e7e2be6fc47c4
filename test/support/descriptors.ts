/**
 * The published message types of Kubernetes, as a real program carries them: each generated package of the reference's
 * types brings its file descriptor along, gzipped. Read out of a kubectl, they say how clients in Go write and read.
 */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { create, createFileRegistry, type FileRegistry, fromBinary } from '@bufbuild/protobuf'
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'

const gzipStart = Buffer.from([0x1f, 0x8b, 0x08])
/** No descriptor is longer when packed. */
const packedBytesMax = 1 << 20

export function descriptorsOf(program: string): FileRegistry {
  const bytes = readFileSync(program)
  const files = new Map<string, FileDescriptorProto>()
  for (let at = bytes.indexOf(gzipStart); at >= 0; at = bytes.indexOf(gzipStart, at + 1)) {
    const file = descriptorAt(bytes.subarray(at, at + packedBytesMax))
    // One package carries another's by mistake.
    const expected = file && `${file.package.replaceAll('.', '/').replace('k8s/io', 'k8s.io')}/generated.proto`
    if (!expected || !file.name.endsWith(expected)) continue
    file.name = expected
    files.set(expected, file)
  }
  return createFileRegistry(create(FileDescriptorSetSchema, { file: inOrder(files) }))
}

function descriptorAt(bytes: Uint8Array): FileDescriptorProto | undefined {
  try {
    return fromBinary(FileDescriptorProtoSchema, gunzipSync(bytes))
  } catch {
    return undefined
  }
}

/** Old programs name files after where they lay in the source tree. */
const vendored = /^.*\/vendor\//

/** Each after those that it builds on. What is not there held options of the Go generator alone, and is left out. */
function inOrder(files: ReadonlyMap<string, FileDescriptorProto>): FileDescriptorProto[] {
  const done = new Set<FileDescriptorProto>()
  const add = (file: FileDescriptorProto) => {
    if (done.has(file)) return
    file.dependency = file.dependency.map((name) => name.replace(vendored, '')).filter((name) => files.has(name))
    for (const name of file.dependency) add(files.get(name)!)
    done.add(file)
  }
  for (const file of files.values()) add(file)
  return [...done]
}
