import { isNode, LineCounter, parseDocument } from 'yaml'
import { parseYamlBody } from '../../schema/yaml.ts'
import { LifecycleError } from '../failure.ts'

/** One document of a file of configurations. */
export interface ConfigDocument {
  readonly apiVersion: string
  readonly kind: string
  readonly value: Readonly<Record<string, unknown>>
  /** From 1. */
  readonly number: number
  /** The line of the file on which it begins, from 1. */
  readonly line: number
  readonly text: string
}

/** A file of configurations that cannot be used. */
export class ConfigError extends LifecycleError {}

/**
 * Takes a file apart into its documents; empty ones do not count.
 * @throws ConfigError with document and line
 */
export function splitDocuments(text: string): readonly ConfigDocument[] {
  const documents: ConfigDocument[] = []
  for (const { line, lines } of partsOf(text)) {
    const part = lines.join('\n')
    if (lines.every((each) => /^\s*(#.*)?$/.test(each))) continue
    documents.push(readDocument(part, line, documents.length + 1))
  }
  const seen = new Set<string>()
  for (const { kind, apiVersion, ...document } of documents) {
    const name = `${apiVersion.split('/')[0]}/${kind}`
    if (seen.has(name))
      throw fault(document, `invalid configuration: kind ${JSON.stringify(kind)} is specified twice in YAML file`)
    seen.add(name)
  }
  return documents
}

function partsOf(text: string): { readonly line: number; readonly lines: readonly string[] }[] {
  const parts: { line: number; lines: string[] }[] = [{ line: 1, lines: [] }]
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^---(\s|$)/.test(line)) parts.push({ line: index + 2, lines: [] })
    else if (!/^\.\.\.\s*$/.test(line)) parts.at(-1)!.lines.push(line)
  }
  return parts
}

function readDocument(text: string, line: number, number: number): ConfigDocument {
  const where = { number, line }
  const body = parseYamlBody(text)
  if (typeof body === 'string') throw fault(where, inFile(body, line))
  const [problem] = body.problems
  if (problem) throw fault(where, inFile(problem, line))
  const { value } = body
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw fault(where, 'invalid configuration: it is no mapping of fields')
  const { apiVersion, kind } = value as Readonly<Record<string, unknown>>
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || !apiVersion || !kind) {
    const [group, version] = apiVersionParts(typeof apiVersion === 'string' ? apiVersion : '')
    throw fault(
      where,
      `invalid configuration for GroupVersionKind ${group}/${version}, Kind=${typeof kind === 'string' ? kind : ''}: kind and apiVersion is mandatory information that must be specified`,
    )
  }
  return { apiVersion, kind, value: value as ConfigDocument['value'], text, ...where }
}

/** Group and version. */
export function apiVersionParts(apiVersion: string): readonly [group: string, version: string] {
  const at = apiVersion.indexOf('/')
  return at < 0 ? ['', apiVersion] : [apiVersion.slice(0, at), apiVersion.slice(at + 1)]
}

/** Lines of a part as lines of the file. */
const inFile = (problem: string, begin: number) =>
  problem.replace(/\bline (\d+)/g, (_, line: string) => `line ${Number(line) + begin - 1}`)

/** An error that names the document, and the line of what is wrong in it where that is known. */
export function fault(document: Pick<ConfigDocument, 'number' | 'line'>, problem: string, path?: string): ConfigError {
  const line = path !== undefined && 'text' in document ? lineOf(document as ConfigDocument, path) : undefined
  const place = line === undefined ? `begins on line ${document.line}` : `line ${line}`
  return new ConfigError(`document ${document.number} (${place}): ${problem}`)
}

/** The line of the file on which a field stands: `networking.podSubnet`, `apiServer.extraArgs[0].name`. */
export function lineOf({ text, line }: ConfigDocument, path: string): number | undefined {
  const lines = new LineCounter()
  const document = parseDocument(text, { version: '1.1', uniqueKeys: false, logLevel: 'silent', lineCounter: lines })
  const keys = [...path.matchAll(/[^.[\]]+/g)].map(([key]) => (/^\d+$/.test(key) ? Number(key) : key))
  for (let depth = keys.length; depth > 0; depth--) {
    const node: unknown = document.getIn(keys.slice(0, depth), true)
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line + line - 1
  }
  return undefined
}

/** The kind as the reference's errors show it. */
export function goKind({ apiVersion, kind }: Pick<ConfigDocument, 'apiVersion' | 'kind'>): string {
  const [group, version] = apiVersionParts(apiVersion)
  return `schema.GroupVersionKind{Group:${JSON.stringify(group)}, Version:${JSON.stringify(version)}, Kind:${JSON.stringify(kind)}}`
}
