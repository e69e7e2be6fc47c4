import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiError } from '../schema/status.ts'
import { errorFormat, mediaTypeOf, negotiate, objectOffer, plainOffer, watchOffer } from './negotiate.ts'

const table = 'application/json;as=Table;v=v1;g=meta.k8s.io'

test('the client gets what it likes best of what there is', () => {
  const cases: readonly [accept: string | undefined, format: string, as: string][] = [
    [undefined, 'json', ''],
    ['*/*', 'json', ''],
    ['application/*', 'json', ''],
    ['application/yaml', 'yaml', ''],
    ['application/json;q=0.1, application/yaml;q=0.9', 'yaml', ''],
    ['text/html, application/xhtml+xml, */*;q=0.8', 'json', ''],
    [table, 'json', 'Table'],
    [`${table},application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json`, 'json', 'Table'],
    ['application/json;as=Table;v=v9;g=meta.k8s.io,application/json', 'json', ''],
    ['application/json,application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io', 'json', 'PartialObjectMetadata'],
    ['application/vnd.kubernetes.protobuf,application/json', 'protobuf', ''],
    ['application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io,application/json', 'json', ''],
  ]
  for (const [accept, format, as] of cases) {
    const accepted = negotiate(accept, objectOffer)
    assert.deepEqual([accepted.format, accepted.as], [format, as], accept)
  }
})

test('what cannot be had is refused with the list of what can', () => {
  const refused = (accept: string, offer: typeof objectOffer, message: string) =>
    assert.throws(
      () => negotiate(accept, offer),
      (error) => error instanceof ApiError && error.code === 406 && error.message === message,
    )
  const types =
    'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf'
  refused('text/html', objectOffer, types)
  refused('application/vnd.kubernetes.protobuf', plainOffer, types)
  refused(table, plainOffer, types)
  refused('application/json;as=Nonsense;v=v1;g=meta.k8s.io', objectOffer, types)
  refused(
    'application/yaml',
    watchOffer,
    'only the following media types are accepted: application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch',
  )
})

test('a watch may ask for its stream by name', () => {
  assert.equal(negotiate('application/json;stream=watch', watchOffer).format, 'json')
  assert.throws(() => negotiate('application/json;stream=watch', objectOffer))
})

test('errors are told in YAML to those who read nothing else', () => {
  assert.equal(errorFormat('application/yaml').format, 'yaml')
  assert.equal(errorFormat('text/html').format, 'json')
  assert.equal(errorFormat(undefined).format, 'json')
})

test('a media type stands without its parameters', () => {
  assert.equal(mediaTypeOf('Application/JSON; charset=utf-8'), 'application/json')
  assert.equal(mediaTypeOf(undefined), '')
})
