import type { Api } from './api.ts'

export interface PodLike {
  readonly metadata: { readonly name: string }
  readonly spec: { readonly nodeName?: string }
}

/** Resolves when `isLast` says so of an object that the watch brings. */
export function follow<T>(api: Api, path: string, isLast: (object: T) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let rest = ''
    const onChunk = (chunk: Buffer) => {
      const lines = (rest + chunk.toString('latin1')).split('\n')
      rest = lines.pop()!
      if (lines.some((line) => isLast((JSON.parse(line) as { object: T }).object))) resolve()
    }
    api.watch(path, onChunk).catch(reject)
  })
}
