import type { Checked } from './checked.ts'

/** The parts of a node, in the order of the text. */
export function childrenOf(node: Checked): readonly Checked[] {
  switch (node.kind) {
    case 'constant':
    case 'variable':
    case 'local':
      return []
    case 'select':
      return [node.operand]
    case 'call':
      return node.args
    case 'list':
      return node.elements.map(({ value }) => value)
    case 'map':
      return node.entries.flatMap(({ key, value }) => [key, value])
    case 'message':
      return node.fields.map(({ value }) => value)
    case 'comprehension':
      return node.filter ? [node.range, node.filter, node.body] : [node.range, node.body]
    case 'bind':
      return [node.value, node.body]
  }
}
