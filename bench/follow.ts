import type { Api } from './api.ts'

interface Named {
  readonly metadata: { readonly name: string }
}

/** Field selectors of pods: who only waits for these need not be told of all the others, which costs both sides. */
export const isBound = 'spec.nodeName!='
export const isRunning = 'status.phase=Running'

/** Watches a collection, and resolves when `isLast` says so of an object that the watch brings. */
export function follow<T = Named>(
  api: Api,
  collection: string,
  fieldSelector: string,
  isLast: (object: T) => boolean,
): Promise<void> {
  const query = new URLSearchParams({ watch: '1', ...(fieldSelector && { fieldSelector }) })
  return new Promise((resolve, reject) => {
    let rest = ''
    const onChunk = (chunk: Buffer) => {
      const lines = (rest + chunk.toString('latin1')).split('\n')
      rest = lines.pop()!
      for (const line of lines) if (isLast((JSON.parse(line) as { object: T }).object)) resolve()
    }
    api.watch(`${collection}?${query}`, onChunk).catch(reject)
  })
}
