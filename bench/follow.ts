import type { Api } from './api.ts'

/** Field selectors of pods: who only waits for these need not be told of all the others, which costs both sides. */
export const isBound = 'spec.nodeName!='
export const isRunning = 'status.phase=Running'

/** Watches a collection, and resolves when `isLast` says so of an object that the watch brings. */
export function follow<T>(api: Api, collection: string, isLast: (object: T) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    eachLine(api, `${collection}?watch=1`, (line) => {
      if (isLast((JSON.parse(line) as { object: T }).object)) resolve()
    }).catch(reject)
  })
}

/** A watch that stands. */
export interface Following {
  /** Resolves when it has shown so many different objects. */
  readonly all: Promise<void>
}

/** Watches what happens in a collection from now on. Objects are not read but for their names. */
export async function followCount(
  api: Api,
  collection: string,
  fieldSelector: string,
  count: number,
): Promise<Following> {
  const { metadata } = await api.get<{ metadata: { resourceVersion: string } }>(`${collection}?limit=1`)
  const query = new URLSearchParams({ watch: '1', resourceVersion: metadata.resourceVersion, fieldSelector })
  const names = new Set<string>()
  const { promise, resolve } = Promise.withResolvers<void>()
  await eachLine(api, `${collection}?${query}`, (line) => {
    // The first name in an object is its own.
    const [, name] = /"metadata":\{"name":"([^"]+)"/.exec(line) ?? []
    if (name === undefined) throw new Error(`a watch of ${collection} brought ${line}`)
    if (names.add(name).size === count) resolve()
  })
  return { all: promise }
}

/** Calls for each line that a watch brings, from when it stands. */
function eachLine(api: Api, path: string, onLine: (line: string) => void): Promise<void> {
  let rest = ''
  return api.watch(path, (data) => {
    const lines = (rest + data.toString('latin1')).split('\n')
    rest = lines.pop()!
    for (const line of lines) onLine(line)
  })
}
