import type { Requirement } from '../../schema/selectors.ts'
import { badRequest } from '../../schema/status.ts'

/** A label of the series and what it must be. */
export interface Matcher {
  readonly label: string
  readonly operator: '=' | '!=' | '=~' | '!~'
  readonly values: readonly string[]
}

export interface QueryParts {
  readonly series: string
  readonly matchers: readonly Matcher[]
  readonly groupBy: readonly string[]
}

/** A label must be one of some values. */
export const oneOf = (label: string, values: readonly string[]): Matcher => ({
  label,
  operator: values.length === 1 ? '=' : '=~',
  values,
})

const operators: Readonly<Record<string, (values: readonly string[]) => Omit<Matcher, 'label'>>> = {
  '=': (values) => ({ operator: '=', values }),
  '==': (values) => ({ operator: '=', values }),
  '!=': (values) => ({ operator: '!=', values }),
  in: (values) => ({ operator: '=~', values }),
  notin: (values) => ({ operator: '!~', values }),
  exists: () => ({ operator: '=~', values: ['.+'] }),
  '!': () => ({ operator: '=', values: [''] }),
}

/** What a label selector comes to in Prometheus's words. Throws BadRequest for comparisons, which it does not have. */
export function matchersOf(requirements: readonly Requirement[]): readonly Matcher[] {
  return requirements.map(({ key, operator, values }) => {
    const make = operators[operator]
    if (make === undefined) throw badRequest(`label selectors with ${JSON.stringify(operator)} cannot be asked for`)
    return { label: key, ...make(values) }
  })
}

/**
 * A query of a rules file with its places filled in: `<<.Series>>`, `<<.LabelMatchers>>`, `<<.GroupBy>>`,
 * `<<index .LabelValuesByName "LABEL">>`.
 */
export function fillQuery(template: string, { series, matchers, groupBy }: QueryParts): string {
  return template.replaceAll(/<<\s*(.*?)\s*>>/g, (place, expression: string) => {
    switch (expression) {
      case '.Series':
        return series
      case '.LabelMatchers':
        return matchers.map(matcherText).join(',')
      case '.GroupBy':
        return groupBy.join(',')
    }
    const label = /^index \.LabelValuesByName "([^"]*)"$/.exec(expression)?.[1]
    if (label === undefined) throw badRequest(`the metrics query has ${place}, which is not known`)
    return matchers.find((matcher) => matcher.label === label)?.values.join('|') ?? ''
  })
}

const matcherText = ({ label, operator, values }: Matcher) => `${label}${operator}${JSON.stringify(values.join('|'))}`
