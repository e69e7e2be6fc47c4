import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PersistentVolume } from './persistent-volume.ts'
import type { PersistentVolumeClaim } from './persistent-volume-claim.ts'
import { bestVolumeFor, faultOfVolume, isKeptFor } from './volume-matching.ts'

const volume = (name: string, storage: string, spec: object = {}, more: object = {}) =>
  ({
    metadata: { name, ...more },
    spec: { capacity: { storage }, accessModes: ['ReadWriteOnce'], storageClassName: 'slow', ...spec },
    status: { phase: 'Available' },
  }) as PersistentVolume

const claim = (storage: string, spec: object = {}, metadata: object = {}) =>
  ({
    metadata: { name: 'data', namespace: 'default', uid: 'uid-data', ...metadata },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } }, storageClassName: 'slow', ...spec },
    status: { phase: 'Pending' },
  }) as PersistentVolumeClaim

const forData = (uid?: string) => ({ claimRef: { namespace: 'default', name: 'data', ...(uid && { uid }) } })

const cases: readonly (readonly [string, PersistentVolumeClaim, readonly PersistentVolume[], string | undefined])[] = [
  [
    'the smallest that is large enough',
    claim('2Gi'),
    [volume('a', '5Gi'), volume('b', '2Gi'), volume('c', '1Gi')],
    'b',
  ],
  ['1000Mi are less than 1Gi', claim('1Gi'), [volume('a', '1000Mi')], undefined],
  [
    'few access modes before a small size',
    claim('1Gi'),
    [volume('a', '1Gi', { accessModes: ['ReadWriteOnce', 'ReadOnlyMany'] }), volume('b', '9Gi')],
    'b',
  ],
  [
    'every access mode that is asked for',
    claim('1Gi', { accessModes: ['ReadWriteMany'] }),
    [volume('a', '1Gi')],
    undefined,
  ],
  ['of the same class', claim('1Gi'), [volume('a', '1Gi', { storageClassName: 'fast' })], undefined],
  ['without a class for a claim without one', claim('1Gi', { storageClassName: '' }), [volume('a', '1Gi')], undefined],
  [
    'a class may be said the old way',
    claim(
      '1Gi',
      { storageClassName: undefined },
      { annotations: { 'volume.beta.kubernetes.io/storage-class': 'slow' } },
    ),
    [volume('a', '1Gi')],
    'a',
  ],
  ['of the same mode', claim('1Gi', { volumeMode: 'Block' }), [volume('a', '1Gi')], undefined],
  [
    'with the labels of the selector',
    claim('1Gi', { selector: { matchLabels: { disk: 'ssd' } } }),
    [volume('a', '1Gi'), volume('b', '2Gi', {}, { labels: { disk: 'ssd' } })],
    'b',
  ],
  ['kept for it, before a smaller one', claim('1Gi'), [volume('a', '1Gi'), volume('b', '9Gi', forData())], 'b'],
  [
    'kept for it, of whatever class',
    claim('1Gi'),
    [volume('a', '1Gi', { ...forData('uid-data'), storageClassName: 'other' })],
    'a',
  ],
  ['not one that its namesake had', claim('1Gi'), [volume('a', '1Gi', forData('uid-of-another'))], undefined],
  ['not one that is going', claim('1Gi'), [volume('a', '1Gi', {}, { deletionTimestamp: 'now' })], undefined],
  [
    'with the same attributes class',
    claim('1Gi', { volumeAttributesClassName: 'gold' }),
    [volume('a', '1Gi'), volume('b', '2Gi', { volumeAttributesClassName: 'gold' })],
    'b',
  ],
]

for (const [name, wish, volumes, expected] of cases)
  test(`a claim gets a volume: ${name}`, () => {
    assert.equal(bestVolumeFor(wish, volumes)?.metadata.name, expected)
    assert.equal(bestVolumeFor(wish, volumes.toReversed())?.metadata.name, expected)
  })

test('a claim that waits for its first pod gets only what is kept for it', () => {
  assert.equal(bestVolumeFor(claim('1Gi'), [volume('a', '1Gi')], { isDelayed: true }), undefined)
  const kept = volume('b', '1Gi', forData())
  assert.equal(bestVolumeFor(claim('1Gi'), [volume('a', '1Gi'), kept], { isDelayed: true }), kept)
})

test('a volume that cannot be reached is none', () => {
  const isReachable = ({ metadata }: PersistentVolume) => metadata.name !== 'a'
  const volumes = [volume('a', '1Gi'), volume('b', '2Gi')]
  assert.equal(bestVolumeFor(claim('1Gi'), volumes, { isReachable })?.metadata.name, 'b')
  const kept = [volume('a', '1Gi', forData()), volume('b', '2Gi')]
  assert.equal(bestVolumeFor(claim('1Gi'), kept, { isReachable }), undefined)
})

test('what a claim may have against the volume that it names', () => {
  const faults: readonly (readonly [PersistentVolume, string | undefined])[] = [
    [volume('a', '1Gi'), undefined],
    [volume('a', '1Gi', {}, { deletionTimestamp: 'now' }), 'the volume is marked for deletion "a"'],
    [volume('a', '1Mi'), 'requested PV is too small'],
    [volume('a', '1Gi', { storageClassName: 'fast' }), 'storageClassName does not match'],
    [volume('a', '1Gi', { volumeMode: 'Block' }), 'incompatible volumeMode'],
    [volume('a', '1Gi', { accessModes: ['ReadOnlyMany'] }), 'incompatible accessMode'],
  ]
  for (const [each, fault] of faults) assert.equal(faultOfVolume(each, claim('1Gi')), fault)
})

test('a volume is kept for a claim by name, and by uid where it says one', () => {
  assert.equal(isKeptFor(volume('a', '1Gi'), claim('1Gi')), false)
  assert.equal(isKeptFor(volume('a', '1Gi', forData()), claim('1Gi')), true)
  assert.equal(isKeptFor(volume('a', '1Gi', forData('uid-data')), claim('1Gi')), true)
  assert.equal(isKeptFor(volume('a', '1Gi', forData('uid-x')), claim('1Gi')), false)
})
