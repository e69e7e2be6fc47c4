import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kinds } from '../kinds/index.ts'
import { checkFeatureGates } from './feature-gates.ts'
import { readRuntimeConfig } from './runtime-config.ts'

const said = (flag: string, text: string, why: string) =>
  `invalid argument ${JSON.stringify(text)} for ${JSON.stringify(flag)} flag: ${why}`

const gates: readonly (readonly [text: string, fault: string | undefined])[] = [
  ['', undefined],
  ['RotateKubeletServerCertificate=True', undefined],
  ['WatchList=true,SidecarContainers=true,HPAScaleToZero=false', undefined],
  ['AllAlpha=false', undefined],
  [
    'HPAScaleToZero=true',
    'HPAScaleToZero is alpha or off by default in v1.36, and this server does not have what it does',
  ],
  ['WatchList=false', 'WatchList is on by default in v1.36, and this server cannot do without it'],
  ['SidecarContainers=false', 'cannot set feature gate SidecarContainers to false, feature is locked to true'],
  ['SelfHosting=true', 'unrecognized feature gate: SelfHosting'],
  ['AllAlpha=true', 'this server has no alpha features'],
  ['WatchList', 'missing bool value for WatchList'],
  ['WatchList=yes', 'invalid value of WatchList=yes, err: strconv.ParseBool: parsing "yes": invalid syntax'],
]

for (const [text, fault] of gates) {
  test(`--feature-gates=${text}`, () => {
    if (fault === undefined) checkFeatureGates(text)
    else assert.throws(() => checkFeatureGates(text), { message: said('--feature-gates', text, fault) })
  })
}

const refused: readonly (readonly [text: string, fault: string])[] = [
  ['api/all=false', 'invalid key with only api/all=false'],
  ['api/alpha=true', 'this server has no alpha APIs: what v1.36 serves by default is stable'],
  ['api/beta=true', 'this server has no beta APIs: what v1.36 serves by default is stable'],
  [
    'storage.k8s.io/v1beta1=true',
    'storage.k8s.io/v1beta1 is not served by default in v1.36, and this server does not have it',
  ],
  ['batch/v9=true', 'group version batch/v9 that has not been registered'],
  ['sea.example.com/v1=true', 'unknown api groups sea.example.com'],
  ['batch=true', 'runtime-config invalid key batch'],
  ['batch/v1/ships=false', 'batch/v1 has no resource ships'],
  ['batch/v1=perhaps', 'invalid value batch/v1=perhaps: it must be true or false'],
]

for (const [text, fault] of refused) {
  test(`--runtime-config=${text} is refused`, () => {
    assert.throws(() => readRuntimeConfig(text, kinds), { message: said('--runtime-config', text, fault) })
  })
}

const batch = { group: 'batch', version: 'v1', plural: 'jobs' }
const cronJobs = { group: 'batch', version: 'v1', plural: 'cronjobs' }
const pods = { group: '', version: 'v1', plural: 'pods' }

const served: readonly (readonly [text: string, batch: boolean, cronJobs: boolean, pods: boolean])[] = [
  ['', true, true, true],
  ['batch/v1=false', false, false, true],
  ['batch/v1/cronjobs=false', true, false, true],
  ['api/all=false,api/v1=true', false, false, true],
  ['api/all=false,v1', false, false, true],
  ['api/ga=false,batch/v1=true', true, true, false],
  ['api/beta=false,api/alpha=false', true, true, true],
  ['storage.k8s.io/v1beta1=false', true, true, true],
]

for (const [text, ...expected] of served) {
  test(`--runtime-config=${text} serves what it should`, () => {
    assert.deepEqual([batch, cronJobs, pods].map(readRuntimeConfig(text, kinds)), expected)
  })
}
