import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  cIdentifierFaults,
  cidrFaults,
  configKeyFaults,
  dns1035LabelFaults,
  dns1035NameRule,
  dnsLabelFaults,
  dnsSubdomainFaults,
  domainPrefixedKeyFaults,
  domainPrefixedPathFaults,
  envVarNameFaults,
  type Faults,
  fullyQualifiedDomainNameFaults,
  fullyQualifiedNameFaults,
  httpHeaderNameFaults,
  ipFaults,
  kubeFinalizerFaults,
  labelNameRule,
  labelValueFaults,
  legacyCidrFaults,
  legacyIpFaults,
  pathSegmentNameRule,
  percentFaults,
  portNameFaults,
  portNumberFaults,
  qualifiedNameFaults,
  subdomainNameRule,
  userIdFaults,
  wildcardSubdomainFaults,
} from './names.ts'

const subdomain =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
const label =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
const namePart =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
const labelValue =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
const configKey =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
const wildcard =
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
const dns1035 =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"

type Row = readonly [text: string, faults: Faults]

function holds(rule: (text: string) => Faults, rows: readonly Row[]): void {
  for (const [text, faults] of rows) assert.deepEqual(rule(text), faults, JSON.stringify(text))
}

test('names in DNS', () => {
  holds(dnsLabelFaults, [
    ['a-1', []],
    ['a'.repeat(63), []],
    ['a'.repeat(64), ['must be no more than 63 characters']],
    ['a.b', ['must not contain dots']],
    ['A', [label]],
    ['-a', [label]],
    ['', [label]],
    ['a\n', [label]],
    ['É'.repeat(40), ['must be no more than 63 characters', label]],
  ])
  holds(dnsSubdomainFaults, [
    ['a.b-c.1', []],
    ['a'.repeat(254), ['must be no more than 253 characters']],
    ['a..b', [subdomain]],
    ['a.', [subdomain]],
  ])
  holds(dns1035LabelFaults, [
    ['a1', []],
    ['1a', [dns1035]],
  ])
  holds(wildcardSubdomainFaults, [
    ['*.example.com', []],
    ['*.*.com', [wildcard]],
    ['example.com', [wildcard]],
  ])
  holds(fullyQualifiedNameFaults, [
    ['a.b.c', []],
    ['a.b', ['should be a domain with at least three segments separated by dots']],
    ['A.b', [subdomain]],
  ])
  holds(fullyQualifiedDomainNameFaults, [
    ['a.b.', []],
    ['a', ['should be a domain with at least two segments separated by dots']],
    [`${'a'.repeat(64)}.b`, ['must be no more than 63 characters']],
  ])
})

test('keys and values of labels', () => {
  holds(qualifiedNameFaults, [
    ['app', []],
    ['example.com/My_Name.1', []],
    ['', ['name part must be non-empty', namePart]],
    ['a b', [namePart]],
    ['/a', ['prefix part must be non-empty']],
    ['-x/y', [`prefix part ${subdomain}`]],
    [`${'a'.repeat(254)}/a`, ['prefix part must be no more than 253 bytes']],
    ['a'.repeat(64), ['name part must be no more than 63 bytes']],
    [
      'a/b/c',
      [
        `a valid label key ${namePart.slice('name part '.length)} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
      ],
    ],
  ])
  holds(labelValueFaults, [
    ['', []],
    ['v1.2_3', []],
    ['not ok!', [labelValue]],
    ['x'.repeat(64), ['must be no more than 63 bytes']],
  ])
  holds(domainPrefixedKeyFaults, [
    ['a.io/b', []],
    ['b', ['must be a domain-prefixed key (such as "acme.io/foo")']],
  ])
  holds(kubeFinalizerFaults, [
    ['foregroundDeletion', []],
    ['a.io/b', []],
    ['nodomain', ['name is neither a standard finalizer name nor is it fully qualified']],
  ])
})

test('keys and names that become files, variables and headers', () => {
  holds(configKeyFaults, [
    ['a.b_c-D', []],
    ['.dockerconfigjson', []],
    ['a b', [configKey]],
    ['', [configKey]],
    ['.', ["must not be '.'"]],
    ['..', ["must not be '..'"]],
    ['..a', ["must not start with '..'"]],
  ])
  holds(envVarNameFaults, [
    ['PATH', []],
    ['1 odd-name: {}~', []],
    ['', ['environment variable name must be non-empty']],
    ['A=B', ["a valid environment variable name must consist only of printable ASCII characters other than '='"]],
    ['A\t', ["a valid environment variable name must consist only of printable ASCII characters other than '='"]],
    ['Ä', ["a valid environment variable name must consist only of printable ASCII characters other than '='"]],
  ])
  holds(httpHeaderNameFaults, [
    ['X-A', []],
    [
      'X A',
      [
        "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')",
      ],
    ],
  ])
  assert.equal(cIdentifierFaults('_a1').length, 0)
  assert.match(cIdentifierFaults('1a')[0] ?? '', /^a valid C identifier must start with alphabetic character or '_'/)
})

test('ports, numbers and shares', () => {
  assert.deepEqual(portNumberFaults(0), ['must be between 1 and 65535, inclusive'])
  assert.deepEqual(portNumberFaults(65_535), [])
  assert.deepEqual(userIdFaults(-1), ['must be between 0 and 4294967295, inclusive'])
  holds(portNameFaults, [
    ['http', []],
    ['8080', ['must contain at least one letter (a-z)']],
    ['a--b', ['must not contain consecutive hyphens']],
    ['-a', ['must not begin or end with a hyphen']],
    [
      'HTTP',
      [
        'must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
        'must contain at least one letter (a-z)',
      ],
    ],
    ['abcdefghijklmnop', ['must be no more than 15 characters']],
  ])
  holds(percentFaults, [
    ['25%', []],
    [
      '25',
      [
        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
      ],
    ],
  ])
})

test('addresses and ranges', () => {
  holds(ipFaults, [
    ['10.0.0.1', []],
    ['x', ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']],
    ['010.0.0.1', ['must not have leading 0s']],
    ['fd00:0::1', ['must be in canonical form ("fd00::1")']],
    ['::ffff:1.2.3.4', ['must not be an IPv4-mapped IPv6 address']],
  ])
  assert.deepEqual(legacyIpFaults('fd00:0::1'), [])
  holds(cidrFaults, [
    ['10.0.0.0/8', []],
    ['10.0.0.0', ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']],
    ['10.0.0.0/08', ['must not have leading 0s in IP or prefix length']],
    ['10.1.0.0/8', ['must not have bits set beyond the prefix length']],
    ['fd00:0::/64', ['must be in canonical form ("fd00::/64")']],
  ])
  assert.deepEqual(legacyCidrFaults('fd00:0::/64'), [])
})

test('paths with a domain', () => {
  assert.deepEqual(domainPrefixedPathFaults('acme.io/foo/bar'), [])
  assert.deepEqual(domainPrefixedPathFaults('acme.io'), [
    { part: 'acme.io', fault: 'must be a domain-prefixed path (such as "acme.io/foo")' },
  ])
  assert.deepEqual(domainPrefixedPathFaults('A/x'), [{ part: 'A', fault: subdomain }])
})

test('a prefix of a name may end in a dash, a name may not', () => {
  for (const rule of [subdomainNameRule, labelNameRule, dns1035NameRule]) {
    assert.deepEqual(rule('web-', true), [])
    assert.equal(rule('web-', false).length, 1)
    assert.equal(rule('-', true).length, 1)
    assert.equal(rule('Web-', true).length, 1)
  }
  assert.deepEqual(pathSegmentNameRule('system:Any thing', false), [])
  assert.deepEqual(pathSegmentNameRule('a/b%', false), ["may not contain '/'", "may not contain '%'"])
  assert.deepEqual(pathSegmentNameRule('..', false), ["may not be '..'"])
  assert.deepEqual(pathSegmentNameRule('.', true), [])
})
