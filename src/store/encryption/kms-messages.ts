import { int32, map, type ObjectType, object, optional, rawBytes, string } from '../../schema/types.ts'

/** The messages of a KMS plugin (`v2.KeyManagementService`), and of what is stored of a value under its key. */

const message = <const F extends ObjectType['fields']>(name: string, fields: F) => object(`v2.${name}`, '', fields)

export const StatusRequest = message('StatusRequest', {})

export const StatusResponse = message('StatusResponse', {
  version: optional(1, string, 'Of the API that the plugin speaks.'),
  healthz: optional(2, string, 'ok, or what is wrong.'),
  keyId: optional(3, string, 'The key with which it encrypts now.'),
})

export const EncryptRequest = message('EncryptRequest', {
  plaintext: optional(1, rawBytes, ''),
  uid: optional(2, string, ''),
})

export const EncryptResponse = message('EncryptResponse', {
  ciphertext: optional(1, rawBytes, ''),
  keyId: optional(2, string, ''),
  annotations: optional(3, map(rawBytes), 'What it wants to see again when it decrypts.'),
})

export const DecryptRequest = message('DecryptRequest', {
  ciphertext: optional(1, rawBytes, ''),
  uid: optional(2, string, ''),
  keyId: optional(3, string, ''),
  annotations: optional(4, map(rawBytes), ''),
})

export const DecryptResponse = message('DecryptResponse', { plaintext: optional(1, rawBytes, '') })

/** What the encrypted key of a value is. */
export const sourceType = { key: 0, seed: 1 } as const

export const EncryptedObject = message('EncryptedObject', {
  encryptedData: optional(1, rawBytes, ''),
  keyId: optional(2, string, ''),
  encryptedSource: optional(3, rawBytes, 'The key or the seed, encrypted by the plugin.'),
  annotations: optional(4, map(rawBytes), ''),
  sourceType: optional(5, int32, ''),
})
