/** Reading YAML bodies as the reference does: YAML 1.1 without its exotic types, the first document, as JSON. */

import { type Document, isNode, isScalar, LineCounter, parseAllDocuments, type Tags, visit, type YAMLError } from 'yaml'

export interface YamlBody {
  readonly value: unknown
  /** Keys that occur twice, with their lines. */
  readonly problems: readonly string[]
}

/** Types of YAML 1.1 that the reference's library reads as plain text: dates, base 60, binary, sets and ordered maps. */
const readAsText = /:(?:timestamp|binary|omap|pairs|set)$/

/** Gives the body, or what is wrong with it in the reference's words. */
export function parseYamlBody(text: string): YamlBody | string {
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, {
    version: '1.1',
    uniqueKeys: false,
    logLevel: 'silent',
    lineCounter: lines,
    // It would look for the line of every error anew, of which there may be one for every few bytes.
    prettyErrors: false,
    customTags: withoutExoticTags,
  })
  const document = Array.isArray(documents) ? documents[0] : undefined
  if (document === undefined) return { value: null, problems: [] }
  const [error] = document.errors
  if (error) return `yaml: ${describe(error, lines)}`
  const fault = aliasFault(document)
  if (fault !== undefined) return `yaml: ${fault}`
  return toBody(document, lines)
}

function withoutExoticTags(tags: Tags): Tags {
  return tags.filter((tag) => typeof tag === 'string' || (tag.format !== 'TIME' && !readAsText.test(tag.tag)))
}

function toBody(document: Document, lines: LineCounter): YamlBody | string {
  try {
    const value: unknown = document.toJS()
    const unsupported = unsupportedNumber(value)
    if (unsupported !== undefined) return `json: unsupported value: ${unsupported}`
    return { value, problems: duplicateKeys(document, lines) }
  } catch (error) {
    // The library counts how far aliases blow a document up, and stops in time.
    if (error instanceof ReferenceError) return 'yaml: document contains excessive aliasing'
    if ((error as Error).message.startsWith('Merge sources')) {
      return 'yaml: map merge requires map or sequence of maps as the value'
    }
    throw error
  }
}

/** An alias that names nothing, or something that contains it. */
function aliasFault(document: Document): string | undefined {
  let fault: string | undefined
  const anchors = new Set<string>()
  visit(document, {
    Node: (_, node) => {
      if ('anchor' in node && typeof node.anchor === 'string') anchors.add(node.anchor)
    },
    Alias: (_, alias, path) => {
      const contains = path.some((parent) => isNode(parent) && 'anchor' in parent && parent.anchor === alias.source)
      if (contains) fault = `anchor '${alias.source}' value contains itself`
      else if (!anchors.has(alias.source)) fault = `unknown anchor '${alias.source}' referenced`
      return fault === undefined ? undefined : visit.BREAK
    },
  })
  return fault
}

function duplicateKeys(document: Document, lines: LineCounter): string[] {
  const problems: string[] = []
  visit(document, {
    Map: (_, map) => {
      const seen = new Set<string>()
      for (const { key, value } of map.items) {
        const name = isScalar(key) ? String(key.value) : undefined
        if (name === undefined || name === '<<') continue
        if (seen.has(name))
          problems.push(
            `line ${lineOf(isNode(value) ? value : key, lines)}: key ${JSON.stringify(name)} already set in map`,
          )
        seen.add(name)
      }
    },
  })
  return problems
}

function lineOf(node: unknown, lines: LineCounter): number {
  return isNode(node) && node.range ? lines.linePos(node.range[0]).line : 0
}

function unsupportedNumber(value: unknown): string | undefined {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
  }
  if (typeof value !== 'object' || value === null) return undefined
  for (const item of Object.values(value)) {
    const unsupported = unsupportedNumber(item)
    if (unsupported !== undefined) return unsupported
  }
  return undefined
}

/** The reference's library has other words than ours for the same faults. */
function describe(error: YAMLError, lines: LineCounter): string {
  return `line ${lines.linePos(error.pos[0]).line || 1}: ${words(error)}`
}

function words({ code, message }: YAMLError): string {
  const inFlow = /^Flow (sequence|map)/.exec(message)?.[1]
  if (inFlow !== undefined && code === 'BAD_INDENT')
    return `did not find expected ',' or '${inFlow === 'map' ? '}' : ']'}'`
  if (inFlow !== undefined || code === 'UNEXPECTED_TOKEN') return 'did not find expected node content'
  switch (code) {
    case 'TAB_AS_INDENT':
      return 'found character that cannot start any token'
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'mapping values are not allowed in this context'
    case 'MULTILINE_IMPLICIT_KEY':
      return "could not find expected ':'"
    case 'MISSING_CHAR':
      return 'found unexpected end of stream'
    default:
      return 'did not find expected key'
  }
}
