import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { kinds } from '../src/kinds/index.ts'
import { groupWords, pathsOfKind } from '../src/schema/openapi-operations.ts'

/**
 * `@kubernetes/client-node` is generated from the reference's OpenAPI document: its methods are the operations, and what
 * they return are the answers. Watches alone are left out there.
 */
const clientUrl = new URL('.', import.meta.resolve('@kubernetes/client-node/dist/gen/types/ObjectParamAPI.d.ts'))

test('operations have the names and answers that generated clients know', () => {
  const differences = [...byApi()].flatMap(([api, ours]) => {
    const theirs = methodsOf(api)
    const names = new Set([...ours.keys(), ...theirs.keys()])
    return [...names]
      .filter((name) => ours.get(name) !== theirs.get(name))
      .map((name) => `${api}.${name}: ${ours.get(name)} instead of ${theirs.get(name)}`)
  })
  assert.deepEqual(differences, [])
})

/** Our operations by the client's class: name without group and version → last name of the type that it answers with. */
function byApi(): Map<string, Map<string, string>> {
  const apis = new Map<string, Map<string, string>>()
  for (const kind of kinds) {
    const words = groupWords(kind.group)
    const api = `${capitalized(words)}${capitalized(kind.version)}`
    const methods = apis.get(api) ?? new Map<string, string>()
    apis.set(api, methods)
    for (const { operations } of pathsOfKind(kind)) {
      for (const { id, responses } of Object.values(operations)) {
        if (!id.startsWith('watch')) methods.set(id.replace(api, ''), responses['200']!.split('.').at(-1)!)
      }
    }
  }
  return apis
}

function methodsOf(api: string): Map<string, string> {
  const text = readFileSync(new URL(`../apis/${api}Api.d.ts`, clientUrl), 'utf8')
  const methods = text.matchAll(
    /^ {4}([a-zA-Z]+)WithHttpInfo\(response: ResponseContext\): Promise<HttpInfo<([A-Za-z0-9]+)\s*>>/gm,
  )
  return new Map(
    [...methods]
      .map(([, name, type]) => [name!, withoutVersion(type!)] as const)
      .filter(([name]) => name !== 'getAPIResources'),
  )
}

/** The client puts the version, and sometimes the group, before a type's name. */
const withoutVersion = (type: string) => type.replace(/^([A-Z][a-z]+)?V\d(alpha\d|beta\d)?/, '')

const capitalized = (word: string) => word.charAt(0).toUpperCase() + word.slice(1)
