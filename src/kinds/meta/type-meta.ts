import { optional, string } from '../../schema/types.ts'

/** The two fields that begin every object. In protobuf they stand outside the message, hence no number. */
export const typeMeta = {
  kind: optional(0, string, 'Kind of this object, such as Pod.'),
  apiVersion: optional(0, string, 'Group and version in which this object is written, such as apps/v1.'),
} as const
