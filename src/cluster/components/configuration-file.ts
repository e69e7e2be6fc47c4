import { unknownComponentFields } from '../../lifecycle/config/component-fields.ts'
import { parseYamlBody } from '../../schema/yaml.ts'
import type { Disk } from '../../world/world.ts'
import { contentOf } from './certificate-files.ts'
import type { ComponentFlagError } from './flags.ts'

/**
 * What a component's configuration file says. `fail` makes the error for what it cannot hold, in the component's own words.
 * Throws `ComponentFlagError`: also for a field that the component does not know, as the reference does.
 */
export async function readConfigurationFile<T extends object>(
  disk: Disk,
  path: string,
  expected: { readonly apiVersion: string; readonly kind: string },
  fail: (why: string) => ComponentFlagError,
): Promise<Partial<T>> {
  const body = parseYamlBody(await contentOf(disk, path))
  if (typeof body === 'string') throw fail(body)
  const { kind, apiVersion, ...settings } = (body.value ?? {}) as {
    readonly kind?: string
    readonly apiVersion?: string
  }
  if (kind !== expected.kind || apiVersion !== expected.apiVersion)
    throw fail(`it holds no ${expected.kind} of ${expected.apiVersion}, but ${apiVersion} ${kind}`)
  const unknown = unknownComponentFields(apiVersion, kind, body.value)
  if (unknown.length > 0)
    throw fail(`strict decoding error: ${unknown.map((field) => `unknown field ${JSON.stringify(field)}`).join(', ')}`)
  return settings as Partial<T>
}
