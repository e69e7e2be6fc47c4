/** `HOST:PORT`, with brackets about an IPv6 address. */
export interface Address {
  /** Empty: all addresses of this host. */
  readonly host: string
  readonly port: number
}

/** What is no address. */
export class AddressError extends Error {}

/** Reads `10.0.0.1:6443`, `[fd00::1]:6443`, `cp-1:6443`, `:6443`. Throws `AddressError`. */
export function parseAddress(text: string, defaultPort?: number): Address {
  const [, bracketed, plain, port] = /^(?:\[([0-9A-Fa-f:.%a-z]+)\]|([^:[\]\s/]*))(?::(\d+))?$/.exec(text) ?? []
  const number = port === undefined ? defaultPort : Number(port)
  if (number === undefined || number > 65_535 || (bracketed === undefined && plain === undefined))
    throw new AddressError(`${JSON.stringify(text)} is not HOST:PORT`)
  return { host: bracketed ?? plain ?? '', port: number }
}

export const formatAddress = ({ host, port }: Address): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
