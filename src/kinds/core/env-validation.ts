/** The environment of a container, and references to fields and resources, which volumes have too. */
import { parseQuantity } from '../../base/quantity.ts'
import type { FieldErrors } from '../../schema/field-errors.ts'
import { configKeyFaults, dnsSubdomainFaults, envVarNameFaults, qualifiedNameFaults } from '../../schema/names.ts'
import type { EnvFromSource, EnvVar, EnvVarSource, FileKeySelector } from './containers.ts'
import { addFaults, checkLocalNonReservedPath } from './field-checks.ts'
import type { ObjectFieldSelector, ResourceFieldSelector } from './references.ts'

/** Volumes of the pod by name; a variable may come from a file in one. */
export interface EnvContext {
  readonly emptyDirs: (name: string) => 'absent' | 'other' | 'emptyDir'
}

export function validateEnv(
  variables: readonly EnvVar[],
  path: string,
  context: EnvContext,
  errors: FieldErrors,
): void {
  for (let index = 0; index < variables.length; index++) {
    const variable = variables[index] as EnvVar
    if (variable.name === '') errors.required(`${path}[${index}].name`)
    else {
      const faults = envVarNameFaults(variable.name)
      if (faults.length > 0) addFaults(errors, `${path}[${index}].name`, variable.name, faults)
    }
    if (variable.valueFrom) {
      validateSource(variable.valueFrom, variable.value ?? '', `${path}[${index}].valueFrom`, context, errors)
    }
  }
}

function validateSource(
  source: EnvVarSource,
  value: string,
  path: string,
  context: EnvContext,
  errors: FieldErrors,
): void {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = source
  if (fieldRef) validateFieldRef(fieldRef, variableFields, `${path}.fieldRef`, errors)
  if (resourceFieldRef) validateResourceRef(resourceFieldRef, `${path}.resourceFieldRef`, false, errors)
  if (configMapKeyRef) validateKeyRef(configMapKeyRef, `${path}.configMapKeyRef`, errors)
  if (secretKeyRef) validateKeyRef(secretKeyRef, `${path}.secretKeyRef`, errors)
  if (fileKeyRef) validateFileKeyRef(fileKeyRef, `${path}.fileKeyRef`, context, errors)
  const count = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef].filter(Boolean).length
  if (count === 0) {
    errors.invalid(
      path,
      '',
      'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
    )
  } else if (value !== '') {
    errors.invalid(path, '', 'may not be specified when `value` is not empty')
  } else if (count > 1) {
    errors.invalid(path, '', 'may not have more than one field specified at a time')
  }
}

interface KeyRef {
  readonly name?: string
  readonly key: string
}

function validateKeyRef({ name, key }: KeyRef, path: string, errors: FieldErrors): void {
  if (!name) errors.required(`${path}.name`)
  if (key === '') errors.required(`${path}.key`)
  else addFaults(errors, `${path}.key`, key, configKeyFaults(key))
}

function validateFileKeyRef(reference: FileKeySelector, path: string, context: EnvContext, errors: FieldErrors): void {
  if (reference.volumeName === '') errors.required(`${path}.volumeName`)
  else if (context.emptyDirs(reference.volumeName) === 'absent')
    errors.notFound(`${path}.volumeName`, reference.volumeName)
  else if (context.emptyDirs(reference.volumeName) === 'other') {
    errors.invalid(`${path}.volumeName`, reference.volumeName, 'referenced volume must be of type emptyDir')
  }
  if (reference.path === '') errors.required(`${path}.path`)
  else checkLocalNonReservedPath(errors, `${path}.path`, reference.path)
  if (reference.key === '') errors.required(`${path}.key`)
  else addFaults(errors, `${path}.key`, reference.key, envVarNameFaults(reference.key))
}

/** The faults of one source are shown at the list: so the reference does. */
export function validateEnvFrom(sources: readonly EnvFromSource[], path: string, errors: FieldErrors): void {
  sources.forEach(({ prefix, configMapRef, secretRef }, index) => {
    const at = `${path}[${index}]`
    if (prefix) addFaults(errors, `${at}.prefix`, prefix, envVarNameFaults(prefix))
    if (configMapRef) validateNamed(configMapRef.name, `${at}.configMapRef`, errors)
    if (secretRef) validateNamed(secretRef.name, `${at}.secretRef`, errors)
    if (!configMapRef && !secretRef) errors.invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`')
    else if (configMapRef && secretRef) errors.invalid(path, '', 'may not have more than one field specified at a time')
  })
}

function validateNamed(name: string | undefined, path: string, errors: FieldErrors): void {
  if (!name) errors.required(`${path}.name`)
  else addFaults(errors, `${path}.name`, name, dnsSubdomainFaults(name.endsWith('-') ? `${name.slice(0, -1)}a` : name))
}

/** The fields that an environment variable may show, in the order in which an error lists them. */
export const variableFields: readonly string[] = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
]

/** The fields that a file may show. */
export const fileFields: readonly string[] = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
]

const knownFields = new Set([
  ...variableFields,
  ...fileFields,
  'spec.restartPolicy',
  'spec.schedulerName',
  'status.phase',
])

export function validateFieldRef(
  reference: ObjectFieldSelector,
  allowed: readonly string[],
  path: string,
  errors: FieldErrors,
): void {
  const { apiVersion = '', fieldPath } = reference
  if (apiVersion === '') return errors.required(`${path}.apiVersion`)
  if (fieldPath === '') return errors.required(`${path}.fieldPath`)
  const field = fieldPath === 'spec.host' ? 'spec.nodeName' : fieldPath
  const subscript = field.endsWith("']") ? field.lastIndexOf("['", field.length - 4) : -1
  const base = subscript < 0 ? field : field.slice(0, subscript)
  const problem =
    apiVersion !== 'v1' ? `unsupported pod version: ${apiVersion}` : unknownField(base, fieldPath, subscript >= 0)
  if (problem !== undefined)
    return errors.invalid(`${path}.fieldPath`, fieldPath, `error converting fieldPath: ${problem}`)
  if (subscript >= 0) {
    const key = field.slice(subscript + 2, -2)
    const name = base === 'metadata.annotations' ? key.toLowerCase() : key
    addFaults(errors, path, name, qualifiedNameFaults(name))
  } else if (!allowed.includes(field)) {
    errors.notSupported(`${path}.fieldPath`, field, allowed)
  }
}

function unknownField(base: string, fieldPath: string, subscripted: boolean): string | undefined {
  const known = subscripted ? base === 'metadata.annotations' || base === 'metadata.labels' : knownFields.has(base)
  return known ? undefined : `field label not supported: ${fieldPath}`
}

const resourceFields = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
]
const byteDivisors = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei']

/** A file must say of which container it shows a resource; a variable shows its own container's. */
export function validateResourceRef(
  { containerName, resource, divisor }: ResourceFieldSelector,
  path: string,
  isFile: boolean,
  errors: FieldErrors,
): void {
  const isHugePages = /^(limits|requests)\.hugepages-/.test(resource)
  if (isFile && !containerName) errors.required(`${path}.containerName`)
  else if (resource === '') errors.required(`${path}.resource`)
  else if (!resourceFields.includes(resource) && !isHugePages) {
    errors.notSupported(`${path}.resource`, resource, resourceFields)
  }
  validateDivisor(resource, divisor, isHugePages, path, errors)
}

function validateDivisor(
  resource: string,
  divisor: string,
  isHugePages: boolean,
  path: string,
  errors: FieldErrors,
): void {
  if (parseQuantity(divisor || '0').isZero) return
  const name = resource.split('.').slice(1).join('.')
  if (name === 'cpu') {
    if (divisor !== '1m' && divisor !== '1') {
      errors.invalid(`${path}.divisor`, resource, "only divisor's values 1m and 1 are supported with the cpu resource")
    }
    return
  }
  const word = isHugePages ? 'hugepages' : name === 'memory' ? 'memory' : 'local ephemeral storage'
  const known = isHugePages || name === 'memory' || name === 'ephemeral-storage'
  if (known && !byteDivisors.includes(divisor)) {
    const detail = `only divisor's values ${byteDivisors.join(', ')} are supported with the ${word} resource`
    errors.invalid(`${path}.divisor`, resource, detail)
  }
}
