/**
 * Holds the kinds that are not workloads against recorded answers of the reference. Services have a test of their own
 * beside their allocator, whose work is part of every answer.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kinds } from '../src/kinds/index.ts'
import { apiVersionOf, type Kind } from '../src/schema/kind.ts'
import {
  type CompareOptions,
  compareWithRecordings,
  haveRecordings,
  type Recording,
  recordings,
} from './support/recorded.ts'

/** Kinds with a test of their own, those of which nothing is stored, and definitions, which controllers complete. */
const elsewhere =
  /^(apps|batch|authentication\.k8s\.io|authorization\.k8s\.io|apiextensions\.k8s\.io)\/|^v1 (Pod|PodTemplate|ReplicationController|Service)$/

/**
 * Steps in which something else than the kind decides: CEL compilers, certificates, controllers of the server itself,
 * a list that was given empty.
 */
const skip: readonly string[] = [
  'admissionregistration.v1-mutatingadmissionpolicies-bad 3',
  ...[2, 3, 5, 6, 8].map((step) => `admissionregistration.v1-validatingadmissionpolicies-bad ${step}`),
  'admissionregistration.v1-validatingadmissionpolicies-bad2 2',
  'admissionregistration.v1-validatingwebhookconfigurations-bad2 0',
  ...[0, 1].map((step) => `resource.v1-deviceclasses-bad ${step}`),
  'resource.v1-resourceclaimtemplates-bad 4',
  'csr-approve-rbac 0',
  'csr-approve-rbac 6',
  ...[18, 22].map((step) => `csr-invalid ${step}`),
  ...[2, 3, 4].map((step) => `flowcontrol.apiserver.v1-flowschemas-rich ${step}`),
  'autoscaling.v2-horizontalpodautoscalers-bad 8',
]

/** The server reads what it has stored: version 1 of autoscalers has been through version 2, empty lists are `null`. */
const options: CompareOptions = { skip }

const files = /^(?!apps|batch|v1-pods|v1-services|configmap-data|wire-)/
const areas = ['validation', 'defaults', 'write', 'subresources']

function settled(recording: Recording): Recording {
  const text = JSON.stringify(recording).replace(/\$\{(ns|id)\}/g, '$1-12345')
  const copy = JSON.parse(text) as Recording
  return { ...copy, steps: copy.steps.map(withNamespace) }
}

/** The server fills in the namespace of the path before the kind sees an object. */
function withNamespace(step: Recording['steps'][number]): Recording['steps'][number] {
  const namespace = /\/namespaces\/([^/]+)\/[^/]/.exec(step.path ?? '')?.[1]
  const isWrite = step.method === 'POST' || step.method === 'PUT'
  if (!isWrite || namespace === undefined || typeof step.body !== 'object' || Array.isArray(step.body)) return step
  const metadata = { namespace, ...(step.body.metadata as object | undefined) }
  return { ...step, body: { ...step.body, metadata } }
}

/** Steps inside a namespace are not steps of the namespace itself. */
function stepsOf(kind: Kind, recording: Recording): Recording {
  if (kind.kind !== 'Namespace') return recording
  const isAbout = ({ path = '' }: { readonly path?: string }) => !/namespaces\/[^/]+\/(?!status)/.test(path)
  return { ...recording, steps: recording.steps.filter(isAbout) }
}

const all = haveRecordings ? recordings(areas, files).map(settled) : []

for (const kind of kinds) {
  const name = `${apiVersionOf(kind)} ${kind.kind}`
  if (elsewhere.test(name) || kind.storedAs?.group === 'autoscaling') continue
  test(`${name} behaves as recorded`, { skip: !haveRecordings }, () => {
    const { differences } = compareWithRecordings(
      kind,
      all.map((recording) => stepsOf(kind, recording)),
      options,
    )
    const real = differences.filter(({ what }) => !isKnown(what))
    assert.equal(real.map(({ where, what }) => `${where}: ${what}`).join('\n'), '')
  })
}

/** What decoding does and the comparison does not, and what admission adds to nodes. */
function isKnown(what: string): boolean {
  return what.includes('expected null, found []') || what.includes('node.kubernetes.io/not-ready')
}
