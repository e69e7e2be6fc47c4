/**
 * A named step of init, join, upgrade, reset, a renewal or a restore. `Data` is what the steps of one procedure share: read
 * configuration, world, client; a step may add to it what later ones need, when that can be had again without it.
 */
export interface Phase<Data> {
  /** As in `init phase NAME`; parts of it are called `NAME/PART`. */
  readonly name: string
  readonly summary: string
  readonly parts?: readonly Phase<Data>[]
  /** Whether it is not needed here, e.g. a local etcd where there is an external one. */
  skip?(data: Data): boolean
  /** What it would do, a line each, without doing it. */
  plan?(data: Data): Promise<readonly string[]>
  /** Does it. May be called again, after whatever became of the first time. */
  run?(data: Data): Promise<void>
}

export interface RunPhasesOptions {
  /** Names of those to leave out (`--skip-phases`), with their parts. */
  readonly skip?: readonly string[]
  /** Print plans, change nothing. */
  readonly dryRun?: boolean
  print(line: string): void
}

/** Runs phases in their order, parts after the whole. An error ends it: what was done stays. */
export async function runPhases<Data>(
  phases: readonly Phase<Data>[],
  data: Data,
  options: RunPhasesOptions,
  above = '',
): Promise<void> {
  for (const phase of phases) {
    const path = above + phase.name
    if (options.skip?.includes(path) || phase.skip?.(data)) continue
    if (options.dryRun) for (const line of (await phase.plan?.(data)) ?? []) options.print(line)
    else await phase.run?.(data)
    await runPhases(phase.parts ?? [], data, options, `${path}/`)
  }
}

/** The names of all phases and parts: what `--skip-phases` may name. */
export function namesOf<Data>(phases: readonly Phase<Data>[], above = ''): string[] {
  return phases.flatMap((phase) => [above + phase.name, ...namesOf(phase.parts ?? [], `${above}${phase.name}/`)])
}
