import type { AdmissionAttributes } from '../admission.ts'

/** Whether a request is for objects of a resource themselves, and not for a sub-resource. */
export const isFor = ({ kind, subresource }: AdmissionAttributes, plural: string, group = ''): boolean =>
  kind.plural === plural && kind.group === group && subresource === ''

/** The name of the object, also of one that is only being made. */
export const nameOf = ({ object, name }: AdmissionAttributes): string => object?.metadata.name ?? name

/** Whether a request writes the object: everything but deleting it and connecting to it. */
export const isWrite = ({ operation }: AdmissionAttributes): boolean => operation === 'CREATE' || operation === 'UPDATE'
