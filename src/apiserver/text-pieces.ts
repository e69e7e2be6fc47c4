import { compareKeys, goYaml } from '../base/go-yaml.ts'

/** A list of one item at least, whose items are made one after another, when it is their turn to be written. */
export interface MadeList {
  /** All but the items. */
  readonly head: Readonly<Record<string, unknown>>
  /** The member that the items are: the last one in JSON. */
  readonly member: 'items' | 'rows'
  readonly items: Iterable<unknown>
}

/** JSON on one line, JSON for people, or YAML. */
export type TextFormat = 'json' | 'pretty' | 'yaml'

/** In characters: about as many as a client takes at once. */
const pieceLength = 128 * 1024

/** The text of a list in parts, each made when it is asked for: together what the list written as a whole would be. */
export function* textPieces(list: MadeList, format: TextFormat): Generator<string> {
  const { start, separator, write, end } = writers[format](list)
  let text = start
  let before = ''
  for (const item of list.items) {
    text += before + write(item)
    before = separator
    if (text.length < pieceLength) continue
    yield text
    text = ''
  }
  yield text + end
}

interface Writer {
  readonly start: string
  readonly separator: string
  readonly end: string
  write(item: unknown): string
}

const writers: Readonly<Record<TextFormat, (list: MadeList) => Writer>> = {
  json: ({ head, member }) => ({
    start: JSON.stringify({ ...head, [member]: [] }).slice(0, -']}'.length),
    separator: ',',
    write: (item) => JSON.stringify(item),
    end: ']}\n',
  }),
  pretty: ({ head, member }) => ({
    start: `${JSON.stringify({ ...head, [member]: [] }, undefined, 2).slice(0, -']\n}'.length)}\n    `,
    separator: ',\n    ',
    // A line break is never part of a string in JSON.
    write: (item) => JSON.stringify(item, undefined, 2).replaceAll('\n', '\n    '),
    end: '\n  ]\n}',
  }),
  /** Members are sorted, and items stand as far to the left as the name of their list. */
  yaml({ head, member }) {
    const before = Object.entries(head).filter(([name]) => compareKeys(name, member) < 0)
    const behind = Object.entries(head).filter(([name]) => compareKeys(name, member) > 0)
    return {
      start: `${membersInYaml(before)}${member}:\n`,
      separator: '',
      write: (item) => goYaml([item]),
      end: membersInYaml(behind),
    }
  },
}

const membersInYaml = (members: readonly (readonly [string, unknown])[]) =>
  members.length === 0 ? '' : goYaml(Object.fromEntries(members))
