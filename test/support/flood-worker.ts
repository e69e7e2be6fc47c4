/** The thread of one flood: says when it has begun, and what it has counted whenever it is asked. */
import { parentPort, workerData } from 'node:worker_threads'
import { type FloodPlan, runFlood } from './floods.ts'

const counts: Record<string, number> = {}
await runFlood(workerData as FloodPlan, counts)
parentPort!.on('message', () => parentPort!.postMessage(counts))
parentPort!.postMessage('begun')
