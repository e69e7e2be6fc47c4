import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Pod } from '../kinds/core/pod.ts'
import { ResourceClaim } from '../kinds/resource/resource-claim.ts'
import { ResourceClaimTemplate } from '../kinds/resource/resource-claim-template.ts'
import type { Controller } from '../reconciler/controller.ts'
import { reconcileOnce } from '../reconciler/fixture.ts'
import type { Draft } from '../schema/types.ts'
import { lines, now, object, type PodTraits, pod, written } from './fixtures.ts'
import { resourceClaimControllers } from './resource-claim.ts'
import { controllerReference } from './shared/owner.ts'

const [podClaims, claimRelease] = resourceClaimControllers as [Controller, Controller]
const devices = { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu.example.com' } }] }
const finalizer = 'resource.kubernetes.io/delete-protection'

const template = object<ResourceClaimTemplate>(ResourceClaimTemplate, 'gpus', {
  spec: { metadata: { labels: { a: 'b' } }, spec: { devices } },
} as unknown as Draft<ResourceClaimTemplate>)

const user = (traits: PodTraits = {}, statuses: readonly object[] = []) =>
  pod('trainer', {
    ...traits,
    rest: {
      spec: { resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'gpus' }] },
      status: { resourceClaimStatuses: statuses },
    } as unknown as Draft<Pod>,
  })

const claim = (owner: Pod | undefined, status: object = {}, metadata: object = {}) =>
  object<ResourceClaim>(ResourceClaim, 'trainer-gpu-x', {
    metadata: {
      annotations: { 'resource.kubernetes.io/pod-claim-name': 'gpu' },
      ...(owner && { ownerReferences: [controllerReference(Pod, owner)] }),
      ...metadata,
    },
    spec: { devices },
    status,
  } as unknown as Draft<ResourceClaim>)

const allocation = { devices: { results: [] } }
const reservedFor = (uid = 'uid-pod-trainer') => [{ resource: 'pods', name: 'trainer', uid }]

const look = (
  controller: Controller,
  subject: Pod | ResourceClaim,
  {
    pods = [],
    claims = [],
    templates = [template],
  }: { pods?: Pod[]; claims?: ResourceClaim[]; templates?: ResourceClaimTemplate[] },
) =>
  reconcileOnce(
    controller,
    subject,
    [
      [Pod, ...pods],
      [ResourceClaim, ...claims],
      [ResourceClaimTemplate, ...templates],
    ],
    { now },
  ).changes

describe('a pod that names a template', () => {
  test('gets a claim of its own, and is told its name', () => {
    const changes = look(podClaims, user(), {})
    assert.deepEqual(lines(changes), ['create resourceclaim/trainer-gpu-', 'patch pod/trainer status'])
    const made = written(changes, ResourceClaim)
    assert.deepEqual(made.metadata, {
      generateName: 'trainer-gpu-',
      namespace: 'default',
      labels: { a: 'b' },
      annotations: { 'resource.kubernetes.io/pod-claim-name': 'gpu' },
      ownerReferences: [controllerReference(Pod, user())],
    })
    assert.deepEqual(made.spec, { devices })
  })

  test('is only told when the claim was made before', () => {
    const subject = user()
    const changes = look(podClaims, subject, { claims: [claim(subject)] })
    assert.deepEqual(lines(changes), ['patch pod/trainer status'])
    const [told] = changes
    assert.deepEqual(told?.type === 'patch' && (told.patch.body as { status: object }).status, {
      resourceClaimStatuses: [{ name: 'gpu', resourceClaimName: 'trainer-gpu-x' }],
    })
  })

  test('is left alone when it knows its claim', () => {
    const subject = user({}, [{ name: 'gpu', resourceClaimName: 'trainer-gpu-x' }])
    assert.deepEqual(lines(look(podClaims, subject, { claims: [claim(subject)] })), [])
  })

  test('that is not there says so', () => {
    assert.deepEqual(lines(look(podClaims, user(), { templates: [] })), [
      'Warning FailedResourceClaimCreation: PodResourceClaim gpu: resource claim template "gpus": resourceclaimtemplate.resource.k8s.io "gpus" not found',
    ])
  })

  test('reserves it itself when it came to its node without the scheduler', () => {
    const subject = user({ node: 'n1' }, [{ name: 'gpu', resourceClaimName: 'trainer-gpu-x' }])
    const changes = look(podClaims, subject, { claims: [claim(subject, { allocation })] })
    assert.deepEqual(written(changes, ResourceClaim, 'status').status.reservedFor, reservedFor())
  })

  test('gets none when it is through', () => {
    assert.deepEqual(lines(look(podClaims, user({ phase: 'Failed' }), {})), [])
    assert.deepEqual(lines(look(podClaims, user({ deleted: true }), {})), [])
  })
})

describe('a claim', () => {
  test('is taken from a pod that is through, its devices are free, and it goes if it was the pod’s own', () => {
    const done = user({ node: 'n1', phase: 'Succeeded' })
    const subject = claim(done, { allocation, reservedFor: reservedFor() }, { finalizers: [finalizer] })
    const changes = look(claimRelease, subject, { pods: [done], claims: [subject] })
    assert.deepEqual(lines(changes), [
      'update resourceclaim/trainer-gpu-x status',
      'update resourceclaim/trainer-gpu-x',
      'remove resourceclaim/trainer-gpu-x',
    ])
    assert.deepEqual(written(changes, ResourceClaim, 'status').status, {})
    assert.deepEqual(written(changes, ResourceClaim).metadata.finalizers, [])
  })

  test('that people made stays', () => {
    const subject = claim(undefined, { allocation, reservedFor: reservedFor() })
    assert.deepEqual(lines(look(claimRelease, subject, { claims: [subject] })), [
      'update resourceclaim/trainer-gpu-x status',
    ])
  })

  test('that others still use keeps its devices', () => {
    const running = user({ node: 'n1', phase: 'Running' })
    const subject = claim(undefined, { allocation, reservedFor: [...reservedFor(), ...reservedFor('uid-gone')] })
    const changes = look(claimRelease, subject, { pods: [running] })
    assert.deepEqual(written(changes, ResourceClaim, 'status').status, { allocation, reservedFor: reservedFor() })
  })

  test('of a pod that stops on its node stays reserved until it has', () => {
    const stopping = user({ node: 'n1', phase: 'Running', deleted: true })
    const subject = claim(stopping, { allocation, reservedFor: reservedFor() })
    assert.deepEqual(lines(look(claimRelease, subject, { pods: [stopping] })), [])
  })

  test('that the scheduler has marked, and not allocated yet, is left alone', () => {
    const waiting = user()
    const subject = claim(waiting, {}, { finalizers: [finalizer] })
    assert.deepEqual(lines(look(claimRelease, subject, { pods: [waiting] })), [])
  })

  test('that is deleted goes when nobody has it', () => {
    const subject = claim(undefined, { allocation }, { finalizers: [finalizer], deletionTimestamp: 'now' })
    assert.deepEqual(lines(look(claimRelease, subject, {})), [
      'update resourceclaim/trainer-gpu-x status',
      'update resourceclaim/trainer-gpu-x',
    ])
  })
})
