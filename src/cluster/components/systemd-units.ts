import type { Pod } from '../../kinds/core/pod.ts'
import type { HostWorld } from '../../world/world.ts'
import { ownPrograms } from './own-programs.ts'

/**
 * A unit of systemd for each container, so that systemd runs the processes instead of us. The order in which they start is
 * of no importance: each waits for what it needs.
 */
export async function systemdUnits(pods: readonly Pod[], world: HostWorld): Promise<ReadonlyMap<string, string>> {
  const units = new Map<string, string>()
  for (const { spec } of pods)
    for (const { name, command = [], args = [], env = [] } of spec.containers) {
      const [program = '', ...words] = [...command, ...args]
      const start = [...(ownPrograms(world)(program) ?? [(await world.exec.which(program)) ?? program]), ...words]
      const variables = env.map(({ name: variable, value = '' }) => `Environment=${quoted(`${variable}=${value}`)}\n`)
      units.set(`${name}.service`, unitOf(name, start, variables.join(''), spec.terminationGracePeriodSeconds ?? 30))
    }
  return units
}

const unitOf = (name: string, start: readonly string[], environment: string, graceSeconds: number) => `[Unit]
Description=Coracle: ${name}
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
${environment}ExecStart=${start.map(quoted).join(' ')}
Restart=always
RestartSec=2
TimeoutStopSec=${graceSeconds}
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
`

/** As systemd reads a word: quoted where need be, `%` and `$` doubled, for they would stand for something else. */
function quoted(word: string): string {
  const plain = word.replaceAll('%', '%%').replaceAll('$', '$$$$')
  return /^[\w./:=,@%$+*-]+$/.test(plain) ? plain : `"${plain.replace(/["\\]/g, '\\$&')}"`
}
