import { pinsOf } from './pins.ts'

export interface JoinCommand {
  /** URL of the API server. */
  readonly server: string
  /** PEM; a bundle has several pins. */
  readonly certificateAuthority: string
  readonly token: string
  /** For another control plane. */
  readonly certificateKey?: string
  /** For another control plane whose certificates are there already. */
  readonly controlPlane?: boolean
}

/** How a host joins, in parts: one line of a terminal each. */
export function joinCommandParts(command: JoinCommand): readonly string[] {
  const endpoint = command.server.replace(/^https:\/\//, '')
  const pins = pinsOf(command.certificateAuthority).map((pin) => `--discovery-token-ca-cert-hash ${pin}`)
  const role = command.certificateKey
    ? [`--control-plane --certificate-key ${command.certificateKey}`]
    : command.controlPlane
      ? ['--control-plane']
      : []
  return [`coracle join ${endpoint} --token ${command.token}`, ...pins, ...role]
}

/** In one line, as `token create --print-join-command` prints it. */
export const joinCommand = (command: JoinCommand): string => joinCommandParts(command).join(' ')

/** In several lines, as `init` prints it. */
export const joinCommandLines = (command: JoinCommand): readonly string[] =>
  joinCommandParts(command).map(
    (part, at, { length }) => `${at === 0 ? '' : '\t'}${part}${at < length - 1 ? ' \\' : ''}`,
  )
