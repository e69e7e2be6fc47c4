import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Attributes, type Authorizer, type Decision, noOpinion } from './authz.ts'
import { alwaysAllow, alwaysDeny, firstThatDecides, privilegedGroup } from './simple.ts'

const attributes = { user: { name: 'jane', groups: [] } } as unknown as Attributes

const says = (decision: Decision): Authorizer => ({ authorize: () => decision })
const saysLater = (decision: Decision): Authorizer => ({ authorize: () => Promise.resolve(decision) })
const yes = { allowed: true, reason: 'yes' }
const no = { allowed: false, denied: true, reason: 'no' }
const broken = { allowed: false, reason: '', evaluationError: 'broken' }

for (const [title, authorizers, expected] of [
  ['nobody has an opinion', [says(noOpinion()), says(noOpinion())], noOpinion()],
  ['there is nobody', [], noOpinion()],
  ['the first that allows decides', [says(noOpinion('hm')), says(yes), says(no)], yes],
  ['the first that denies decides', [says(no), says(yes)], no],
  ['what they say is joined', [says(noOpinion('a')), says(noOpinion()), says(noOpinion('b'))], noOpinion('a\nb')],
  ['what went wrong is told when nobody decides', [says(broken), says(noOpinion('b'))], { ...broken, reason: 'b' }],
  ['and forgotten when somebody does', [says(broken), says(yes)], yes],
  ['one may take his time', [saysLater(noOpinion('a')), says(noOpinion('b')), saysLater(yes)], yes],
  ['and deny at last', [says(noOpinion()), saysLater(no), says(yes)], no],
  ['or not', [saysLater(broken), saysLater(broken)], { ...broken, evaluationError: 'broken, broken' }],
] as const)
  test(title, async () => {
    assert.deepEqual(await firstThatDecides(authorizers).authorize(attributes), expected)
  })

test('where nobody takes his time, nobody waits', () => {
  assert.deepEqual(firstThatDecides([says(noOpinion()), says(yes)]).authorize(attributes), yes)
})

test('the modes that ask nobody', () => {
  assert.equal(alwaysAllow.authorize(attributes).allowed, true)
  assert.deepEqual(alwaysDeny.authorize(attributes), { allowed: false, reason: 'Everything is forbidden.' })
  assert.equal(privilegedGroup.authorize(attributes).allowed, false)
  const master = { ...attributes, user: { name: 'x', groups: ['system:masters'] } }
  assert.equal(privilegedGroup.authorize(master).allowed, true)
})
