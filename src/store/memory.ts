/**
 * The store that lives and dies with the process: for tests, forks and `--ephemeral` clusters. All of it is the
 * engine; with no journal behind it, a change is visible as soon as it is decided.
 */
import { Engine, type EngineOptions } from './engine.ts'

export class MemoryStore extends Engine {
  constructor(options: EngineOptions) {
    super('memory', options)
  }
}
