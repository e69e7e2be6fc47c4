import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseLabelSelector } from '../../schema/selectors.ts'
import { fillQuery, matchersOf, oneOf } from './query.ts'
import { parseRules, type Rule, RulesError } from './rules.ts'

function ruleOf(text: string): Rule {
  const lines = `seriesQuery: x\nmetricsQuery: y\n${text}`.trim().split('\n')
  return parseRules(`rules:\n- ${lines.join('\n  ')}`).rules[0]!
}

/** As a rules file names a group where letters follow. */
const group = (number: number) => `\${${number}}`

describe('what metrics are called', () => {
  const table: readonly (readonly [string, string, string | undefined])[] = [
    ['', 'http_requests_total', 'http_requests_total'],
    ['name: {matches: "^(.*)_total$"}', 'http_requests_total', 'http_requests'],
    ['name: {matches: "^(.*)_total$"}', 'http_errors', undefined],
    [
      `name: {matches: "^(.*)_total$", as: "${group(1)}_per_second"}`,
      'http_requests_total',
      'http_requests_per_second',
    ],
    ['name: {matches: "^(\\\\w+?)_(.*)$", as: "$2_of_$1"}', 'http_requests', 'http'],
    [`name: {matches: "^(\\\\w+?)_(.*)$", as: "${group(2)}_of_${group(1)}"}`, 'http_requests', 'requests_of_http'],
    ['name: {as: fixed}', 'anything', 'fixed'],
  ]
  for (const [rule, series, name] of table)
    test(`${rule || 'nothing said'}: ${series} → ${name}`, () => assert.equal(ruleOf(rule).nameOf(series), name))

  test('filters', () => {
    const { accepts } = ruleOf('seriesFilters:\n- {is: ^http_}\n- {isNot: _bucket$}')
    assert.deepEqual(['http_a', 'http_a_bucket', 'grpc_a'].map(accepts), [true, false, false])
  })
})

test('what is no rules file', () => {
  const faults: Readonly<Record<string, RegExp>> = {
    '[]': /the file: must be a map/,
    'rules: {}': /rules: must be a list/,
    'rules: [a]': /rules\[0\]: must be a map/,
    'rules: [{metricsQuery: a}]': /rules\[0\]\.seriesQuery: must be set/,
    'externalRules: [{seriesQuery: a}]': /externalRules\[0\]\.metricsQuery: must be set/,
    'rules: [{seriesQuery: 1, metricsQuery: a}]': /seriesQuery: must be a string/,
    'rules: [{seriesQuery: a, metricsQuery: a, name: {matches: "("}}]': /name\.matches: "\(" is no regular expression/,
    'rules: [{seriesQuery: a, metricsQuery: a, name: {matches: "(a)(b)"}}]': /name\.as: must be set/,
    'rules: [{seriesQuery: a, metricsQuery: a, resources: {overrides: {pod: {}}}}]': /pod\.resource: must be set/,
    'rules: [': /Flow sequence/,
  }
  for (const [text, message] of Object.entries(faults))
    assert.throws(
      () => parseRules(text),
      (error) => error instanceof RulesError && message.test(error.message),
      text,
    )
  assert.deepEqual(parseRules(''), { rules: [], externalRules: [] })
})

describe('queries', () => {
  const matchers = [
    ...matchersOf(parseLabelSelector('tier=front,zone in (a,b),!old').requirements),
    oneOf('pod', ['p1', 'p2']),
  ]

  test('have their places filled in', () => {
    const template = 'sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)'
    assert.equal(
      fillQuery(template, { series: 'requests_total', matchers, groupBy: ['pod'] }),
      'sum(rate(requests_total{old="",tier="front",zone=~"a|b",pod=~"p1|p2"}[2m])) by (pod)',
    )
    const own = 'a{pod=~"<<index .LabelValuesByName "pod">>"}'
    assert.equal(fillQuery(own, { series: '', matchers, groupBy: [] }), 'a{pod=~"p1|p2"}')
  })
  test('may only have places that are known', () => {
    assert.throws(() => fillQuery('<<.Node>>', { series: '', matchers: [], groupBy: [] }), /<<\.Node>>/)
  })
})
