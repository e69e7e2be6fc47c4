/** CRC-32C (Castagnoli), which is what etcd's hashes are. Feed it piece by piece, beginning with 0. */
const table = new Int32Array(256)
for (let byte = 0; byte < 256; byte++) {
  let rest = byte
  for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? 0x82f63b78 : 0)
  table[byte] = rest
}

/** The checksum of what gave `before`, with `bytes` behind it; unsigned. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  let crc = ~before
  for (let i = 0; i < bytes.length; i++) crc = table[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}
