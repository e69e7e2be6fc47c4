import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compareVersions, parseVersion } from '../config/versions.ts'
import { policyFaults } from './policy.ts'

const fine = {
  program: 'v1.36.2',
  kubelets: ['v1.36.0'],
  allowExperimentalUpgrades: false,
  allowReleaseCandidateUpgrades: false,
}

describe('from one version to another', () => {
  const rows: readonly [
    cluster: string,
    target: string,
    mandatory: RegExp | undefined,
    skippable: RegExp | undefined,
  ][] = [
    ['v1.36.0', 'v1.36.2', undefined, undefined],
    ['v1.36.2', 'v1.36.2', undefined, undefined],
    ['v1.35.9', 'v1.36.0', undefined, undefined],
    ['v1.34.0', 'v1.36.2', /"v1\.36\.2" is too high; kubeadm can upgrade only 1 minor version at a time/, undefined],
    [
      'v1.36.0',
      'v1.36.3',
      undefined,
      /"v1\.36\.3" is higher than the kubeadm version "v1\.36\.2"\. Upgrade kubeadm first/,
    ],
    ['v1.36.0', 'v1.37.0', /at least one minor release higher than the kubeadm minor release \(37 > 36\)/, undefined],
    ['v1.36.2', 'v1.35.0', undefined, /can only be used to upgrade to Kubernetes version 1\.36/],
    [
      'v1.36.2',
      'v1.34.0',
      /"v1\.34\.0" is too low; kubeadm can downgrade only 1 minor version at a time/,
      /only be used/,
    ],
    ['v1.18.5', 'v1.19.0', undefined, /can only be used to upgrade to Kubernetes version 1\.36/],
    ['v1.36.0', 'v1.37.0-rc.1', undefined, /37 > 36.*unstable version/],
    ['v1.36.0', 'v1.36.1-beta.0', undefined, /"v1\.36\.1-beta\.0" is an unstable version/],
  ]
  for (const [cluster, target, mandatory, skippable] of rows)
    test(`${cluster} to ${target}`, () => {
      const faults = policyFaults({ ...fine, cluster, target })
      for (const [found, wanted] of [
        [faults.mandatory, mandatory],
        [faults.skippable, skippable],
      ] as const)
        if (wanted) assert.match(found.join(' '), wanted)
        else assert.deepEqual(found, [])
    })
})

test('what is no release is allowed by name', () => {
  const candidate = { ...fine, cluster: 'v1.36.0', target: 'v1.36.1-rc.0' }
  assert.deepEqual(policyFaults({ ...candidate, allowReleaseCandidateUpgrades: true }).skippable, [])
  assert.deepEqual(policyFaults({ ...candidate, allowExperimentalUpgrades: true }).skippable, [])
  const beta = { ...fine, cluster: 'v1.36.0', target: 'v1.36.1-beta.0', allowReleaseCandidateUpgrades: true }
  assert.equal(policyFaults(beta).skippable.length, 1)
})

test('what came before a release is older than it, and counts in numbers', () => {
  const inOrder = [
    'v1.36.0-alpha.1',
    'v1.36.0-beta.0',
    'v1.36.0-rc',
    'v1.36.0-rc.2',
    'v1.36.0-rc.10',
    'v1.36.0',
    'v1.36.1',
  ]
  for (const [at, version] of inOrder.entries())
    for (const [index, other] of inOrder.entries())
      assert.equal(Math.sign(compareVersions(parseVersion(version)!, parseVersion(other)!)), Math.sign(at - index))
})

test('kubelets may be three minors behind', () => {
  const question = { ...fine, cluster: 'v1.35.0', target: 'v1.36.0' }
  assert.deepEqual(policyFaults({ ...question, kubelets: ['v1.33.0'] }).skippable, [])
  assert.deepEqual(policyFaults({ ...question, kubelets: ['v1.32.7', 'v1.36.0', 'v1.32.7'] }).skippable, [
    'There are kubelets in this cluster that are too old that have these versions [v1.32.7]',
  ])
})
