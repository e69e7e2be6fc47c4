import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LinkedList, Member } from './linked-list.ts'

class Named extends Member {
  readonly name: string

  constructor(name: string) {
    super()
    this.name = name
  }
}

const listOf = (names: string) => {
  const members = [...names].map((name) => new Named(name))
  const list = new LinkedList<Named>()
  for (const member of members) list.push(member)
  return {
    list,
    members,
    names: () =>
      list
        .toArray()
        .map(({ name }) => name)
        .join(''),
  }
}

describe('LinkedList', () => {
  it('keeps its members in the order in which they came', () => {
    const { list, names } = listOf('abc')
    assert.equal(names(), 'abc')
    assert.equal(list.first?.name, 'a')
    assert.equal(list.isEmpty, false)
  })

  it('is empty without members', () => {
    const { list, names } = listOf('')
    assert.equal(names(), '')
    assert.equal(list.first, undefined)
    assert.equal(list.isEmpty, true)
  })

  for (const [at, left] of ['bcd', 'acd', 'abd', 'abc'].entries()) {
    it(`lets the member at ${at} of four leave, once or twice`, () => {
      const { members, names } = listOf('abcd')
      members[at]!.unlink()
      members[at]!.unlink()
      assert.equal(names(), left)
    })
  }

  it('takes back who has left', () => {
    const { list, members, names } = listOf('abc')
    members[0]!.unlink()
    list.push(members[0]!)
    assert.equal(names(), 'bca')
  })

  it('leaves those who left alone, so that they keep nobody', () => {
    const { members, list } = listOf('abc')
    for (const member of members) member.unlink()
    assert.ok(list.isEmpty)
    for (const { previous, next } of members) assert.deepEqual([previous, next], [undefined, undefined])
  })
})
