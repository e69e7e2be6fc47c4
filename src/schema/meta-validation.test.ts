import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FieldErrors } from './field-errors.ts'
import type { ObjectMetaLike } from './kind.ts'
import {
  annotationSizeLimit,
  checksKubeFinalizers,
  type MetaRules,
  validateFieldManager,
  validateLabelSelector,
  validateObjectMeta,
  validateObjectMetaUpdate,
} from './meta-validation.ts'
import { subdomainNameRule } from './names.ts'

const namespaced: MetaRules = { namespaced: true, nameRule: subdomainNameRule, kubeFinalizers: true }

/** Fields with what is said about them, shortened where the words are those of `names.ts`. */
function collect(validate: (errors: FieldErrors) => void): string[] {
  const errors = new FieldErrors()
  validate(errors)
  return errors.causes.map(
    ({ field, message = '' }) => `${field}: ${message.replace(/(must consist of|a valid label).*/, '…')}`,
  )
}

const created = (metadata: ObjectMetaLike, rules = namespaced) =>
  collect((errors) => validateObjectMeta(metadata, rules, 'metadata', errors))

const updated = (metadata: ObjectMetaLike, old: ObjectMetaLike) =>
  collect((errors) => validateObjectMetaUpdate(metadata, old, 'metadata', errors, { kubeFinalizers: true }))

test('a new object needs a name and a namespace, and no more', () => {
  assert.deepEqual(created({ name: 'a', namespace: 'default' }), [])
  assert.deepEqual(created({}), [
    'metadata.name: Required value: name or generateName is required',
    'metadata.namespace: Required value',
  ])
  assert.deepEqual(created({ name: 'a', namespace: 'b' }, { ...namespaced, namespaced: false }), [
    'metadata.namespace: Forbidden: not allowed on this type',
  ])
  assert.deepEqual(created({ name: 'BAD_x', generateName: 'BAD_', namespace: 'a.b' }), [
    'metadata.generateName: Invalid value: "BAD_": a lowercase RFC 1123 subdomain …',
    'metadata.name: Invalid value: "BAD_x": a lowercase RFC 1123 subdomain …',
    'metadata.namespace: Invalid value: "a.b": must not contain dots',
  ])
})

test('labels, annotations, finalizers and generation are checked in this order', () => {
  assert.deepEqual(
    created({
      name: 'a',
      namespace: 'default',
      finalizers: ['nodomain', 'a b/c'],
      annotations: { 'a b': 'anything', UPPER: 'is fine', big: 'x'.repeat(annotationSizeLimit) },
      labels: { ok: 'not ok!', '-x/y': 'z' },
      generation: -1,
      managedFields: [{ manager: 'a\u0007', operation: 'Guess', fieldsType: 'FieldsV2' }],
    }),
    [
      'metadata.generation: Invalid value: -1: must be greater than or equal to 0',
      'metadata.labels: Invalid value: "-x/y": prefix part a lowercase RFC 1123 subdomain …',
      'metadata.labels: Invalid value: "not ok!": …',
      'metadata.annotations: Invalid value: "a b": name part …',
      'metadata.annotations: Too long: may not be more than 262144 bytes',
      'metadata.finalizers: Invalid value: "a b/c": prefix part a lowercase RFC 1123 subdomain …',
      'metadata.managedFields[0].operation: Invalid value: "Guess": must be `Apply` or `Update`',
      'metadata.managedFields[0].fieldsType: Invalid value: "FieldsV2": must be `FieldsV1`',
      'metadata.managedFields[0].manager: Invalid value: "a\\x07": invalid character U+0007 (at position 1)',
      'metadata.finalizers[0]: Invalid value: "nodomain": name is neither a standard finalizer name nor is it fully qualified',
    ],
  )
  assert.deepEqual(created({ name: 'a', namespace: 'b', finalizers: ['orphan', 'foregroundDeletion'] }), [
    'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set',
  ])
})

test('owners are named in full, and one at most is the controller', () => {
  const ownerReferences = [
    { apiVersion: 'v1', kind: 'X', name: '', uid: '' },
    { apiVersion: '', kind: '', name: 'a', uid: 'u', controller: true },
    { apiVersion: 'v1', kind: 'Y', name: 'b', uid: 'v', controller: true },
  ]
  assert.deepEqual(created({ name: 'a', namespace: 'b', ownerReferences }), [
    'metadata.ownerReferences.name: Invalid value: "": must not be empty',
    'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
    'metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty',
    'metadata.ownerReferences.kind: Invalid value: "": must not be empty',
    `metadata.ownerReferences: Invalid value: ${JSON.stringify(ownerReferences)}: Only one reference can have Controller set to true. Found "true" in references for /a and Y/b`,
  ])
  const event = { apiVersion: 'v1', kind: 'Event', name: 'e', uid: 'u' }
  assert.deepEqual(
    created({ name: 'a', namespace: 'b', ownerReferences: [event, { ...event, apiVersion: 'a/b/c' }] }),
    [
      `metadata.ownerReferences: Invalid value: ${JSON.stringify(event)}: /v1, Kind=Event is disallowed from being an owner`,
      'metadata.ownerReferences.apiVersion: Invalid value: "a/b/c": version must not be empty',
    ],
  )
})

test('an update may not change what an object is', () => {
  const old: ObjectMetaLike = {
    name: 'a',
    namespace: 'b',
    uid: 'u',
    resourceVersion: '5',
    generation: 3,
    creationTimestamp: '2026-01-01T00:00:00Z',
  }
  assert.deepEqual(updated({ ...old, generation: 4, labels: { a: 'b' } }, old), [])
  assert.deepEqual(
    updated({ name: 'z', namespace: 'b', uid: 'x', generation: 2, labels: { 'a b': '' }, finalizers: ['x'] }, old),
    [
      'metadata.resourceVersion: Invalid value: "": must be specified for an update',
      'metadata.generation: Invalid value: 2: must not be decremented',
      'metadata.name: Invalid value: "z": field is immutable',
      'metadata.uid: Invalid value: "x": field is immutable',
      'metadata.creationTimestamp: Invalid value: null: field is immutable',
      'metadata.labels: Invalid value: "a b": name part …',
      'metadata.finalizers[0]: Invalid value: "x": name is neither a standard finalizer name nor is it fully qualified',
    ],
  )
})

test('an object that is being deleted gets no new finalizers', () => {
  const old: ObjectMetaLike = {
    name: 'a',
    namespace: 'b',
    resourceVersion: '5',
    deletionTimestamp: '2026-01-01T00:00:00Z',
    finalizers: ['a/b', 'c/d'],
  }
  assert.deepEqual(updated({ ...old, finalizers: ['c/d'] }, old), [])
  assert.deepEqual(updated({ ...old, finalizers: ['x/y', 'c/d', 'new/one'] }, old), [
    'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"new/one", "x/y"}',
  ])
})

test('selectors say what their operators need', () => {
  const selector = {
    matchLabels: { 'a b': '-' },
    matchExpressions: [
      { key: 'a', operator: 'In' },
      { key: 'b', operator: 'What' },
      { key: 'c', operator: 'Exists', values: ['x'] },
      { key: '', operator: 'NotIn', values: ['ok', 'not ok!'] },
    ],
  }
  const faults = [
    'spec.selector.matchLabels: Invalid value: "a b": name part …',
    'spec.selector.matchLabels: Invalid value: "-": …',
    "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    'spec.selector.matchExpressions[1].operator: Invalid value: "What": not a valid selector operator',
    "spec.selector.matchExpressions[2].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
    'spec.selector.matchExpressions[3].key: Invalid value: "": name part must be non-empty',
    'spec.selector.matchExpressions[3].key: Invalid value: "": name part …',
  ]
  const check = (options = {}) => collect((errors) => validateLabelSelector(selector, 'spec.selector', errors, options))
  assert.deepEqual(check({ allowInvalidValues: true }), faults)
  assert.deepEqual(check(), [...faults, 'spec.selector.matchExpressions[3].values[1]: Invalid value: "not ok!": …'])
  assert.deepEqual(
    collect((errors) => validateLabelSelector(undefined, 'x', errors)),
    [],
  )
})

test('a field manager is short and printable', () => {
  const check = (manager: string) => collect((errors) => validateFieldManager(manager, 'fieldManager', errors))
  assert.deepEqual(check('kubectl client-side é 船'), [])
  assert.deepEqual(check('x'.repeat(129)), ['fieldManager: Too long: may not be more than 128 bytes'])
  assert.deepEqual(check('é\u0000'), [
    'fieldManager: Invalid value: "é\\x00": invalid character U+0000 (at position 2)',
  ])
})

test('some kinds take any finalizer', () => {
  assert.equal(checksKubeFinalizers({ group: '', kind: 'Secret' }), true)
  assert.equal(checksKubeFinalizers({ group: 'events.k8s.io', kind: 'Event' }), true)
  assert.equal(checksKubeFinalizers({ group: '', kind: 'Event' }), false)
  assert.equal(checksKubeFinalizers({ group: 'policy', kind: 'PodDisruptionBudget' }), false)
  assert.equal(checksKubeFinalizers({ group: 'apiregistration.k8s.io', kind: 'APIService' }), false)
})
