import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ComponentFlagError, type ComponentFlags, readComponentFlags } from './flags.ts'

const declared: ComponentFlags = {
  name: { help: '', usual: 'somebody' },
  'cluster-cidr': { help: '' },
  profiling: { help: '', type: 'boolean' },
  count: { help: '', usual: '3' },
  wait: { help: '', usual: '1m' },
  v: { help: '' },
}
const read = (...argv: string[]) => readComponentFlags(argv, declared)

test('flags are read as the reference reads them', () => {
  const flags = read('--name=me', '--cluster_cidr', '10.0.0.0/8,fd00::/8', '--profiling', '-v=2', '--count', '7')
  assert.equal(flags.text('name'), 'me')
  assert.deepEqual(flags.list('cluster-cidr'), ['10.0.0.0/8', 'fd00::/8'])
  assert.equal(flags.isTrue('profiling'), true)
  assert.equal(flags.whole('v'), 2)
  assert.equal(flags.whole('count'), 7)
  assert.equal(flags.milliseconds('wait'), 60_000)
  assert.equal(read('--profiling=False').isTrue('profiling'), false)
  assert.equal(read('--profiling').text('name'), 'somebody')
  assert.deepEqual(read('--name=a=b', '--name', 'c').all('name'), ['a=b', 'c'])
  assert.deepEqual(read('--name=a', '--name=b').pick(['name', 'v']), { name: 'a,b' })
})

test('what cannot be read is refused in the words of the reference', () => {
  const refused: readonly (readonly [() => unknown, RegExp])[] = [
    [() => read('--insecure-port=0'), /^unknown flag: --insecure-port$/],
    [() => read('-name=me'), /^unknown flag: --name$/],
    [() => read('--name'), /^flag needs an argument: --name$/],
    [() => read('start'), /^unknown command "start"$/],
    [
      () => read('--profiling=perhaps').isTrue('profiling'),
      /^invalid argument "perhaps" for "--profiling" flag: strconv.ParseBool/,
    ],
    [() => read('--count=many').whole('count'), /^invalid argument "many" for "--count" flag: strconv.ParseInt/],
    [
      () => read('--wait=long').milliseconds('wait'),
      /^invalid argument "long" for "--wait" flag: time: invalid duration/,
    ],
    [() => read().required('cluster-cidr'), /^--cluster-cidr is required$/],
  ]
  for (const [work, message] of refused)
    assert.throws(work, (error) => error instanceof ComponentFlagError && message.test(error.message))
})
