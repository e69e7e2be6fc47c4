import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Cidr,
  cidrContains,
  cidrSize,
  cidrsOverlap,
  formatCidr,
  formatIp,
  isMappedIpv4,
  nthAddress,
  nthSubnet,
  parseCidr,
  parseInterfaceAddress,
  parseIp,
} from './cidr.ts'

const cidr = (text: string): Cidr => parseCidr(text) ?? assert.fail(text)

test('addresses have one canonical text', () => {
  const table = {
    '10.9.8.7': '10.9.8.7',
    '2001:DB8:0:0:1:0:0:1': '2001:db8::1:0:0:1',
    '::': '::',
    '::1': '::1',
    'fe80::': 'fe80::',
    '1:0:2:3:4:5:6:7': '1:0:2:3:4:5:6:7',
    'fd00:0000::0001': 'fd00::1',
    '::ffff:10.0.0.1': '10.0.0.1',
    '64:ff9b::10.0.0.1': '64:ff9b::a00:1',
  }
  for (const [text, canonical] of Object.entries(table)) {
    const address = parseIp(text)
    assert.ok(address, text)
    assert.equal(formatIp(address), canonical)
  }
})

test('what is not an address is not read', () => {
  for (const text of [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '1.2.3.-4',
    '01.2.3.4',
    '1::2::3',
    ':::',
    '12345::',
    '1:2:3:4:5:6:7:8:9',
    '::1%eth0',
    'x',
  ]) {
    assert.equal(parseIp(text), undefined, text)
  }
  assert.equal(formatIp(parseIp('010.001.0.1', 'sloppy') ?? assert.fail()), '10.1.0.1')
  assert.equal(isMappedIpv4(parseIp('::ffff:1.2.3.4') ?? assert.fail()), true)
})

test('ranges hold their addresses', () => {
  assert.equal(formatCidr(cidr('10.97.1.1/12')), '10.96.0.0/12')
  assert.deepEqual(parseInterfaceAddress('10.97.1.1/12')?.address, parseIp('10.97.1.1'))
  for (const text of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/08', '::/129', '10.0.0.0/8/8']) {
    assert.equal(parseCidr(text), undefined, text)
  }
  const services = cidr('10.96.0.0/12')
  assert.equal(formatIp(nthAddress(services, 10n)), '10.96.0.10')
  assert.equal(cidrSize(services), 1n << 20n)
  assert.equal(cidrContains(services, parseIp('10.111.255.255') ?? assert.fail()), true)
  assert.equal(cidrContains(services, parseIp('10.112.0.0') ?? assert.fail()), false)
  assert.equal(cidrContains(services, parseIp('::1') ?? assert.fail()), false)
  assert.throws(() => nthAddress(cidr('10.0.0.0/30'), 4n), RangeError)
  assert.equal(cidrsOverlap(services, cidr('10.100.0.0/16')), true)
  assert.equal(cidrsOverlap(services, cidr('10.0.0.0/16')), false)
  assert.equal(formatCidr(nthSubnet(cidr('10.244.0.0/16'), 24, 3n)), '10.244.3.0/24')
  assert.equal(formatCidr(nthSubnet(cidr('fd00::/56'), 64, 255n)), 'fd00:0:0:ff::/64')
  assert.throws(() => nthSubnet(cidr('10.244.0.0/16'), 24, 256n), RangeError)
})

test('text and address are two forms of one thing', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const address = parseIp(text) ?? assert.fail(text)
      const canonical = formatIp(address)
      assert.equal(formatIp(parseIp(canonical) ?? assert.fail(canonical)), canonical)
    }),
    { numRuns: 200 },
  )
})
