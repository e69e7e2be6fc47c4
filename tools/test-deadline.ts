/**
 * Loaded into the process of each test file: ends one that does not end by itself, because something that a test left open
 * keeps it alive, and says what. Node's runner waits for it without end.
 */
import { isMainThread } from 'node:worker_threads'

const minutes = 15

if (isMainThread && process.env['NODE_TEST_CONTEXT'] !== undefined) {
  const end = () => {
    console.error(`still running after ${minutes} minutes; open: ${process.getActiveResourcesInfo().join(', ')}`)
    process.exit(1)
  }
  setTimeout(end, minutes * 60_000).unref()
}
