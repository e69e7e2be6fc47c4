import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { contentCoding } from '../../src/apiserver/compress.ts'
import type { ApiRequest } from '../../src/apiserver/request.ts'
import { compileRegex } from '../../src/cel/regex.ts'
import { jsonPath } from '../../src/kinds/apiextensions/json-path.ts'
import { fitsFormat } from '../../src/kinds/apiextensions/structural/formats.ts'
import { validateFieldRef } from '../../src/kinds/core/env-validation.ts'
import { pullPolicyOf } from '../../src/kinds/core/image-name.ts'
import { FieldErrors } from '../../src/schema/field-errors.ts'
import { dnsSubdomainFaults, qualifiedNameFaults } from '../../src/schema/names.ts'

/**
 * Texts that make an expression look for a match in more ways than there is time for, if it leaves a choice. One look
 * takes milliseconds; where the ways grow with the square of the length it takes a minute, and is called off.
 */
const length = 256 * 1024
const patienceMs = 30_000

const repeated = [
  '1',
  'a',
  '-',
  '.',
  '_',
  '/',
  ':',
  ' ',
  '1.',
  '1s',
  '1 s ',
  'a@',
  'a_',
  'ab.',
  "['",
  '%',
  'é',
  ',',
  'x,',
]
const starts = ['', '1s', 'a', 'rgb(', 'gzip', "metadata.labels['", 'gzip;q=0.']
const ends = ['', '!', "']"]
const texts = starts.flatMap((start) =>
  repeated.flatMap((each) => ends.map((end) => start + each.repeat(length / each.length) + end)),
)

const asRequest = (header: string) => ({ headers: { 'accept-encoding': header } }) as unknown as ApiRequest

const formats =
  'bsonobjectid uri email hostname ipv4 ipv6 cidr mac uuid isbn creditcard ssn hexcolor rgbcolor byte date duration datetime'
const patterns = [
  '^(a+)+$',
  '(a|a)*$',
  '(.*)*x',
  '^([a-z0-9]+[-.]?)+$',
  '(x+x+)+y',
  '^(?:a?){40}a{40}$',
  '.*a.*b.*c',
  'a{1,100}b',
]

const subjects: Readonly<Record<string, (text: string) => unknown>> = {
  ...Object.fromEntries(formats.split(' ').map((name) => [`the format ${name}`, (text) => fitsFormat(name, text)])),
  ...Object.fromEntries(
    patterns.map((pattern) => [`the pattern ${pattern}`, (text) => compileRegex(pattern).test(text)]),
  ),
  'the header that says how an answer may be compressed': (text) => contentCoding(asRequest(text)),
  'a name': (text) => [dnsSubdomainFaults(text), qualifiedNameFaults(text)],
  'the name of an image': pullPolicyOf,
  'the field of a pod that a variable shows': (fieldPath) =>
    validateFieldRef({ apiVersion: 'v1', fieldPath }, ['metadata.name'], 'f', new FieldErrors()),
  'the filter of a column': (text) => jsonPath(`.a[?(${text})]`),
}

describe('a long text is looked at in no more than its length', () => {
  for (const [subject, look] of Object.entries(subjects)) {
    test(subject, () => {
      const all = () => {
        for (const text of texts) {
          try {
            look(text)
          } catch (error) {
            assert.doesNotMatch(String(error), /stack/)
          }
        }
      }
      runInNewContext('all()', { all }, { timeout: patienceMs })
    })
  }
})

test('what a client takes compressed', () => {
  const codings = [
    'gzip',
    'deflate, gzip;q=0.5',
    'br , gzip ; q=1.0',
    'gzip;q=0',
    'gzip;q=0.000',
    'xgzip',
    'gzip;x=1;q=1',
    '',
  ]
  assert.deepEqual(
    codings.map((coding) => contentCoding(asRequest(coding))),
    ['gzip', 'gzip', 'gzip', 'identity', 'identity', 'identity', 'identity', 'identity'],
  )
})
