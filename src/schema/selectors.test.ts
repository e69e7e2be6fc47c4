import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  checkFieldSelector,
  type LabelSelectorLike,
  parseFieldSelector,
  parseLabelSelector,
  requiresExact,
  selectorOfLabels,
  toLabelSelector,
} from './selectors.ts'
import { ApiError } from './status.ts'

const objects: Record<string, Record<string, string>> = {
  a: { app: 'even', n: '1' },
  b: { app: 'odd', n: '2' },
  c: { app: 'even', n: '30', only: '' },
  d: {},
}

/** A selector, the objects that it selects, and its canonical text. */
const selections: readonly [string, string, string][] = [
  ['', 'abcd', ''],
  ['app=even', 'ac', 'app=even'],
  [' app == odd ', 'b', 'app==odd'],
  ['app!=odd', 'acd', 'app!=odd'],
  ['app', 'abc', 'app'],
  ['!app', 'd', '!app'],
  ['app in (odd,even)', 'abc', 'app in (even,odd)'],
  ['app notin (even)', 'bd', 'app notin (even)'],
  ['n in (1,2),app=even', 'a', 'app=even,n in (1,2)'],
  ['only=', 'c', 'only='],
  ['only in ()', 'c', 'only in ()'],
  ['only in (,x)', 'c', 'only in (,x)'],
  ['app in (even,)', 'ac', 'app in (,even)'],
  ['app=even,app=odd', '', 'app=even,app=odd'],
  ['n>2', 'c', 'n>2'],
  ['n<2', 'a', 'n<2'],
  ['app>2', '', 'app>2'],
  ['in', '', 'in'],
  ['notin=in', '', 'notin=in'],
  ['x.io/y=z', '', 'x.io/y=z'],
]

for (const [text, selected, canonical] of selections) {
  test(`labels: ${text}`, () => {
    const selector = parseLabelSelector(text)
    const names = Object.keys(objects).filter((name) => selector.matches(objects[name]))
    assert.equal(names.join(''), selected)
    assert.equal(selector.toString(), canonical)
    assert.equal(selector.everything, text === '')
  })
}

const labelFaults: readonly [string, string][] = [
  ['=x', "found '=', expected: !, identifier, or 'end of string'"],
  [',', "found ',', expected: !, identifier, or 'end of string'"],
  ['app,', "found '', expected: identifier after ','"],
  ['app=a b', "found 'b', expected: ',' or 'end of string'"],
  ['!a=b', "found '=', expected: ',' or 'end of string'"],
  ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
  ['app in even', "unable to parse requirement: found 'even' expected: '('"],
  ['app in (even', "unable to parse requirement: found '', expected: ',' or ')'"],
  ['app in (=)', "unable to parse requirement: found '=', expected: ',', ')' or identifier"],
  ['app in (a,=)', "unable to parse requirement: found '=', expected: ',', or identifier"],
  ['app===x', "unable to parse requirement: found '=', expected: identifier"],
  ['!', "unable to parse requirement: found '', expected: identifier"],
  [
    'n>x',
    `unable to parse requirement: values[0]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer`,
  ],
  [
    `app=${'x'.repeat(64)}`,
    `unable to parse requirement: values[0][app]: Invalid value: "${'x'.repeat(64)}": must be no more than 63 bytes`,
  ],
  [
    '-bad=x',
    `unable to parse requirement: <nil>: Invalid value: "-bad": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
  ],
]

for (const [text, message] of labelFaults) {
  test(`labels: ${text} is wrong`, () =>
    assert.equal(
      faultOf(() => parseLabelSelector(text)),
      message,
    ))
}

const forms: readonly [LabelSelectorLike | null, string, string][] = [
  [null, '', ''],
  [{}, 'abcd', ''],
  [{ matchLabels: { only: '', app: 'even' } }, 'c', 'app=even,only='],
  [{ matchExpressions: [{ key: 'app', operator: 'In', values: ['odd', 'even'] }] }, 'abc', 'app in (even,odd)'],
  [{ matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['even'] }] }, 'bd', 'app notin (even)'],
  [{ matchExpressions: [{ key: 'only', operator: 'Exists' }] }, 'c', 'only'],
  [{ matchLabels: { n: '1' }, matchExpressions: [{ key: 'only', operator: 'DoesNotExist' }] }, 'a', 'n=1,!only'],
]

for (const [form, selected, text] of forms) {
  test(`labels: ${JSON.stringify(form)}`, () => {
    const selector = toLabelSelector(form)
    const names = Object.keys(objects).filter((name) => selector.matches(objects[name]))
    assert.equal(names.join(''), selected)
    assert.equal(selector.toString(), text)
    assert.equal(selector.nothing, form === null)
  })
}

test('labels: an operator that is none, and a set that is empty', () => {
  const expression = (operator: string) => ({ matchExpressions: [{ key: 'a', operator }] })
  assert.equal(
    faultOf(() => toLabelSelector(expression('Gt'))),
    '"Gt" is not a valid label selector operator',
  )
  assert.match(
    faultOf(() => toLabelSelector(expression('In'))),
    /values set can't be empty/,
  )
})

test('labels: a name of the prototype is no label', () => {
  assert.equal(parseLabelSelector('toString').matches({}), false)
  assert.equal(selectorOfLabels({ app: 'odd' }).matches(undefined), false)
})

const pod: Record<string, string> = { 'metadata.name': 'a', 'status.phase': 'Running', 'x.y': 'p,q=r\\' }

const fieldSelections: readonly [string, boolean, string][] = [
  ['', true, ''],
  ['metadata.name=a', true, 'metadata.name=a'],
  ['metadata.name==b', false, 'metadata.name=b'],
  ['status.phase!=Running,metadata.name=a', false, 'metadata.name=a,status.phase!=Running'],
  ['spec.nodeName=', true, 'spec.nodeName='],
  ['metadata.name=a,metadata.name=b', false, 'metadata.name=a,metadata.name=b'],
  ['x.y=p\\,q\\=r\\\\', true, 'x.y=p\\,q\\=r\\\\'],
  [',metadata.name=a,', true, 'metadata.name=a'],
]

for (const [text, isSelected, canonical] of fieldSelections) {
  test(`fields: ${text}`, () => {
    const selector = parseFieldSelector(text)
    assert.equal(
      selector.matches((field) => pod[field] ?? ''),
      isSelected,
    )
    assert.equal(selector.toString(), canonical)
    assert.equal(selector.everything, text === '')
  })
}

const fieldFaults: readonly [string, string][] = [
  ['bogus', "invalid selector: 'bogus'; can't understand 'bogus'"],
  ['a=b,bogus', "invalid selector: 'a=b,bogus'; can't understand 'bogus'"],
  ['a=b\\c', 'invalid field selector: invalid escape sequence: \\c'],
  ['a=b\\', 'invalid field selector: invalid escape sequence: \\'],
  ['a=b=c', 'invalid field selector: unescaped character in value: 61'],
]

for (const [text, message] of fieldFaults) {
  test(`fields: ${text} is wrong`, () =>
    assert.equal(
      faultOf(() => parseFieldSelector(text)),
      message,
    ))
}

test('fields: what a kind cannot be selected by', () => {
  const check = (field: string, group: string, kind: string, namespaced: boolean, ...fields: string[]) => {
    const selectableFields = Object.fromEntries(fields.map((name) => [name, true]))
    checkFieldSelector(parseFieldSelector(`${field}=x`), { group, version: 'v1', kind, namespaced, selectableFields })
  }
  check('metadata.namespace', 'rbac.authorization.k8s.io', 'ClusterRole', false)
  check('status.successful', 'batch', 'Job', true, 'status.successful')
  const faults = [
    faultOf(() => check('data.i', '', 'ConfigMap', true)),
    faultOf(() => check('spec.x', '', 'Pod', true, 'spec.nodeName')),
    faultOf(() => check('metadata.namespace', '', 'Node', false, 'spec.unschedulable')),
    faultOf(() => check('spec.x', 'batch', 'Job', true, 'status.successful')),
    faultOf(() => check('spec.x', 'resource.k8s.io', 'ResourceSlice', false, 'spec.driver')),
  ]
  const custom = {
    group: 'example.com',
    version: 'v1',
    kind: 'Foo',
    namespaced: true,
    selectableFields: {},
    isCustom: true,
  }
  const fault = faultOf(() => checkFieldSelector(parseFieldSelector('spec.x=2'), custom))
  assert.equal(fault, 'field label not supported: spec.x')
  assert.deepEqual(faults, [
    '"data.i" is not a known field selector: only "metadata.name", "metadata.namespace"',
    'field label not supported: spec.x',
    'field label not supported: metadata.namespace',
    'field label "spec.x" not supported for Job',
    'field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: spec.x',
  ])
})

test('an index can be asked when one value is required', () => {
  assert.equal(requiresExact(parseFieldSelector('spec.nodeName=n,metadata.name!=a'), 'spec.nodeName'), 'n')
  assert.equal(requiresExact(parseFieldSelector('metadata.name!=a'), 'metadata.name'), undefined)
  assert.equal(requiresExact(parseFieldSelector('spec.nodeName='), 'spec.nodeName'), '')
  assert.equal(requiresExact(parseLabelSelector('app in (x),b'), 'app'), 'x')
  assert.equal(requiresExact(parseLabelSelector('app in (x,y)'), 'app'), undefined)
})

function faultOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    assert.equal(error.code, 400)
    return error.message
  }
  throw new assert.AssertionError({ message: 'nothing was thrown' })
}
