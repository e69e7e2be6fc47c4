/** What ConfigMaps and Secrets have in common. */

/** More than this in one object would be too much for etcd and for every watcher. */
export const maxDataBytes: number = 1024 * 1024

export const immutableWhenSet = 'field is immutable when `immutable` is set'

/** How many bytes a base64 text stands for. */
export function decodedLength(base64: string): number {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0
  return Math.floor((base64.length * 3) / 4) - padding
}
