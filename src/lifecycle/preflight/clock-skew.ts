import { type Check, errorOf, fine, warningOf } from './check.ts'

const muchMs = 10 * 60_000
const littleMs = 60_000

/**
 * Whether this host and the API server agree on the time. Certificates, tokens and leases go by it: a host whose clock is
 * far away is refused, or is taken for dead, later and in words that do not say why.
 */
export function clockSkew(endpoint: string): Check {
  return {
    name: 'ClockSkew',
    async run({ world }) {
      const theirs = await world.network
        .request({ url: `https://${endpoint}/livez`, tls: { skipServerVerification: true }, timeoutMs: 5000 })
        .then(
          (answer) => {
            answer.close()
            return Date.parse(String(answer.headers['date'] ?? ''))
          },
          () => Number.NaN,
        )
      // Whether it answers at all is for discovery to say.
      if (Number.isNaN(theirs)) return fine
      const ours = world.clock.now()
      const skewMs = Math.abs(ours - theirs)
      if (skewMs < littleMs) return fine
      const say = (time: number) => new Date(time).toISOString().replace(/\.\d+Z$/, 'Z')
      const message = `the clock of this host says ${say(ours)}, that of the API server at ${endpoint} says ${say(theirs)}`
      const mend = 'set both by the same time server, e.g. with chronyd or "timedatectl set-ntp true"'
      return skewMs < muchMs ? warningOf(message, mend) : errorOf(message, mend)
    },
  }
}
