import { test } from 'node:test'
import { feed, subjects } from '../support/inputs.ts'

for (const subject of subjects) {
  test(`${subject.name}: whatever comes is read or refused`, (context) => {
    const seed = Math.floor(Math.random() * 2 ** 31)
    const { inputs, accepted } = feed(subject, seed, 2_000)
    context.diagnostic(`${accepted} of ${inputs} are taken; seed ${seed}`)
  })
}
