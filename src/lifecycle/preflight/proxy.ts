import { cidrContains, formatIp, nthAddress, parseCidr, parseIp } from '../../base/cidr.ts'
import { type Check, fine, warningOf } from './check.ts'

/** Whether what should go straight would go through a proxy. */
export function httpProxy(host: string): Check {
  return {
    name: 'HTTPProxy',
    async run({ env }) {
      const proxy = proxyFor(host, env)
      if (proxy === undefined) return fine
      const shown = host.includes(':') ? `[${host}]:1234` : host
      return warningOf(
        `Connection to "https://${shown}" uses proxy ${JSON.stringify(proxy)}. If that is not intended, adjust your proxy settings`,
        `add ${host} to NO_PROXY`,
      )
    },
  }
}

export function httpProxyCidr(subnet: string): Check {
  return {
    name: 'HTTPProxyCIDR',
    async run({ env }) {
      const cidr = parseCidr(subnet.trim(), 'sloppy')
      const proxy = cidr && proxyFor(formatIp(nthAddress(cidr, 1n)), env)
      if (proxy === undefined) return fine
      return warningOf(
        `connection to ${JSON.stringify(subnet)} uses proxy ${JSON.stringify(proxy)}. This may lead to malfunctional cluster setup. Make sure that Pod and Services IP ranges specified correctly as exceptions in proxy configuration`,
        `add ${subnet} to NO_PROXY`,
      )
    },
  }
}

type Environment = Readonly<Record<string, string | undefined>>

/** As Go's clients read the environment: for a host, the proxy for HTTPS; nothing: straight. */
function proxyFor(host: string, env: Environment): string | undefined {
  const proxy = env['HTTPS_PROXY'] || env['https_proxy']
  if (!proxy || host === 'localhost' || /^127\./.test(host) || host === '::1') return undefined
  const exceptions = (env['NO_PROXY'] || env['no_proxy'] || '').split(',').map((each) => each.trim().toLowerCase())
  return exceptions.some((exception) => exception !== '' && covers(exception, host.toLowerCase())) ? undefined : proxy
}

function covers(exception: string, host: string): boolean {
  if (exception === '*') return true
  const address = parseIp(host)
  const range = exception.includes('/') ? parseCidr(exception, 'sloppy') : undefined
  if (range) return address !== undefined && address.family === range.address.family && cidrContains(range, address)
  const name = exception.replace(/:\d+$/, '')
  if (name === host) return true
  return name.startsWith('.') ? host.endsWith(name) : host.endsWith(`.${name}`)
}

/** Variables of the environment that name proxies: components get them, too. */
export function proxyVariables(env: Environment): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (/_proxy$/i.test(name) && value ? [[name, value]] : [])),
  )
}
