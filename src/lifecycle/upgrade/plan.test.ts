import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { VirtualHost } from '../../world/virtual-host.ts'
import { initSettings, readDocuments } from '../config/read.ts'
import { type ClusterState, planOf } from './plan.ts'
import { planLines } from './plan-text.ts'

const silent = () => {}
const world = new VirtualHost(7)
const { cluster } = await initSettings(readDocuments('', silent), { world, version: 'v1.36.2', warn: silent })

const on = (version: string, ...nodes: readonly string[]) => nodes.map((node) => ({ node, version }))

const state: ClusterState = {
  version: 'v1.35.0',
  kubelets: [...on('v1.35.0', 'm1', 'w1'), ...on('v1.36.2', 'm2')],
  components: {
    'kube-apiserver': [...on('v1.36.2', 'm2'), ...on('v1.35.0', 'm1')],
    'kube-controller-manager': on('v1.35.0', 'm1', 'm2'),
    'kube-scheduler': on('v1.35.0', 'm1', 'm2'),
    etcd: on('3.6.5-0', 'm1', 'm2'),
  },
  dns: 'v1.12.1',
  configs: [
    {
      group: 'kubeproxy.config.k8s.io',
      currentVersion: 'v1alpha1',
      preferredVersion: 'v1alpha1',
      manualUpgradeRequired: false,
    },
    { group: 'kubelet.config.k8s.io', currentVersion: '', preferredVersion: 'v1beta1', manualUpgradeRequired: true },
  ],
}

const linesOf = (target: string, more: Partial<ClusterState> = {}) =>
  planLines(planOf({ ...state, ...more }, { cluster, target, program: 'v1.36.2' }))

describe('a plan', () => {
  test('says who has what, by version and then by name', () => {
    const rule = '_'.repeat(69)
    assert.deepEqual(linesOf('v1.36.2'), [
      "Components that must be upgraded manually after you have upgraded the control plane with 'coracle upgrade apply':",
      'COMPONENT   NODE      CURRENT   TARGET',
      'kubelet     m1        v1.35.0   v1.36.2',
      'kubelet     w1        v1.35.0   v1.36.2',
      'kubelet     m2        v1.36.2   v1.36.2',
      '',
      'Upgrade to the latest stable version:',
      '',
      'COMPONENT                 NODE      CURRENT   TARGET',
      'kube-apiserver            m1        v1.35.0   v1.36.2',
      'kube-apiserver            m2        v1.36.2   v1.36.2',
      'kube-controller-manager   m1        v1.35.0   v1.36.2',
      'kube-controller-manager   m2        v1.35.0   v1.36.2',
      'kube-scheduler            m1        v1.35.0   v1.36.2',
      'kube-scheduler            m2        v1.35.0   v1.36.2',
      'kube-proxy                          1.35.0    v1.36.2',
      'CoreDNS                             v1.12.1   v1.13.1',
      'etcd                      m1        3.6.5-0   3.6.6-0',
      'etcd                      m2        3.6.5-0   3.6.6-0',
      '',
      'You can now apply the upgrade by executing the following command:',
      '',
      '\tcoracle upgrade apply v1.36.2',
      '',
      rule,
      '',
      '',
      'The table below shows the current state of component configs as understood by this version of kubeadm.',
      'Configs that have a "yes" mark in the "MANUAL UPGRADE REQUIRED" column require manual config upgrade or',
      'resetting to kubeadm defaults before a successful upgrade can be performed. The version to manually',
      'upgrade to is denoted in the "PREFERRED VERSION" column.',
      '',
      'API GROUP                 CURRENT VERSION   PREFERRED VERSION   MANUAL UPGRADE REQUIRED',
      'kubeproxy.config.k8s.io   v1alpha1          v1alpha1            no',
      'kubelet.config.k8s.io     -                 v1beta1             yes',
      rule,
      '',
    ])
  })

  test('inside one minor says so; kubelets that are there already are not shown', () => {
    const lines = linesOf('v1.36.1', { version: 'v1.36.0', kubelets: on('v1.36.1', 'm1') })
    assert.ok(lines.includes('Upgrade to the latest version in the v1.36 series:'))
    assert.ok(!lines.some((line) => line.startsWith('kubelet ')))
  })

  test('for a version after this program, and for one that is no release, says what is needed besides', () => {
    const lines = linesOf('v1.36.3')
    assert.ok(lines.includes('Note: Before you can perform this upgrade, you have to update coracle to v1.36.3.'))
    assert.ok(
      linesOf('v1.36.0-rc.1').includes('\tcoracle upgrade apply v1.36.0-rc.1 --allow-release-candidate-upgrades'),
    )
    assert.ok(
      linesOf('v1.36.0-beta.1').includes('\tcoracle upgrade apply v1.36.0-beta.1 --allow-experimental-upgrades'),
    )
  })

  test('of a cluster that has the version is none', () => {
    assert.deepEqual(linesOf('v1.35.0'), ["Awesome, you're up-to-date! Enjoy!"])
  })
})
