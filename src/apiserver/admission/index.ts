import type { PolicyRule } from '../../kinds/rbac/shared.ts'
import type { AdmissionPlugin } from '../admission.ts'
import type { UserInfo } from '../context.ts'
import { certificateRequester, certificateTimes } from './certificate-requests.ts'
import { ConfigurationError } from './configuration.ts'
import type { PluginServices } from './plugins.ts'
import { rbacEscalation } from './rbac-escalation.ts'
import { type AdmissionOptions, selectPlugins } from './selection.ts'

/** What admission works with. */
export interface AdmissionServices extends PluginServices {
  /** All rules that speak of a user in a namespace. */
  readonly rulesOf: (user: UserInfo, namespace: string) => readonly PolicyRule[]
  /** What is stored as policies and webhooks, under the names of the plugins that apply it. */
  readonly stored?: Readonly<Record<string, AdmissionPlugin | undefined>>
}

/**
 * Every gate that writes pass, in order: the plugins that the flags ask for, and before the quotas, which book what gets
 * in, those that cannot be switched off because the reference has them elsewhere. Throws `ConfigurationError`.
 */
export function admissionPlugins(
  services: AdmissionServices,
  options: AdmissionOptions = {},
): readonly AdmissionPlugin[] {
  const { reader, authorizer, rulesOf, clock, stored = {} } = services
  const chosen = selectPlugins(options).flatMap(({ name, make }) => {
    const plugin = stored[name] ?? made(name, () => make?.(services, options.configurations?.get(name)))
    return plugin ? [{ name, plugin }] : []
  })
  const quotaAt = chosen.findIndex(({ name }) => name === 'ResourceQuota' || name === 'AlwaysDeny')
  const plugins = chosen.map(({ plugin }) => plugin)
  const fixed = [certificateRequester, certificateTimes(clock), rbacEscalation(reader, authorizer, rulesOf)]
  return plugins.toSpliced(quotaAt < 0 ? plugins.length : quotaAt, 0, ...fixed)
}

/** Says which plugin it is that cannot be made. */
function made<T>(name: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    throw new ConfigurationError(`couldn't init admission plugin ${JSON.stringify(name)}: ${error.message}`, {
      cause: error,
    })
  }
}
