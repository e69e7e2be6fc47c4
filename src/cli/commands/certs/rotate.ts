import { renewMemberTrust } from '../../../lifecycle/etcd/trust.ts'
import { LifecycleError } from '../../../lifecycle/failure.ts'
import { patient } from '../../../lifecycle/init/patient.ts'
import { readEndpoint } from '../../../lifecycle/pki/kubeconfigs.ts'
import { nextStep, planOfStep, type RotationStep, rotateStep, rotationSteps } from '../../../lifecycle/pki/rotate.ts'
import { clusterEndpoint } from '../../../lifecycle/pki/settings.ts'
import type { AuthoritySpec } from '../../../lifecycle/pki/specs.ts'
import { publishClusterInfo } from '../../../lifecycle/tokens/access.ts'
import { httpConnect } from '../../../lifecycle/tokens/connect.ts'
import { downloadCertificates, newCertificateKey, uploadCertificates } from '../../../lifecycle/tokens/upload.ts'
import { ApiError } from '../../../schema/status.ts'
import { type Command, type CommandContext, UserError } from '../../command.ts'
import { absolute } from '../../flags.ts'
import { type ChosenPki, choosePki, pkiFlags, validityFlag } from './settings.ts'

export const rotateCa: Command = {
  name: 'rotate-ca',
  summary: 'Replace an authority step by step: trust the new one, re-issue everything, drop the old one',
  usage: '[ca|front-proxy-ca|etcd-ca]',
  flags: {
    ...pkiFlags,
    validity: validityFlag,
    step: { type: 'string', value: 'STEP', help: 'trust, reissue or drop (default: the one that comes next here)' },
    uploadCerts: {
      type: 'boolean',
      help: 'hand what was made to the other control planes through the cluster, under a new certificate key',
    },
    certificateKey: {
      type: 'string',
      value: 'KEY',
      help: 'on the other control planes: fetch what the first one has handed over under this key',
    },
    dryRun: { type: 'boolean', help: 'say what the step would do, and change nothing' },
  },
  examples: [
    'coracle certs rotate-ca ca --dry-run',
    'coracle certs rotate-ca ca --upload-certs',
    'coracle certs rotate-ca etcd-ca --step reissue',
  ],

  async run(context) {
    const { args, flags, world, print } = context
    const pki = await choosePki(context, 'rotate-ca')
    const spec = authorityNamed(args[0] ?? 'ca', pki)
    const { settings, set } = pki
    const stepNow = async () => stepNamed(flags.step) ?? (await nextStep(spec, settings, world.disk))
    const etcd = { world, bundle: `${settings.certificatesDir}/etcd/ca.crt`, ...settings, print }
    const isEtcd = spec.name === 'etcd-ca' && !pki.isLocal
    // What the new authority signs must find trust; the step before this one may have been interrupted.
    if (isEtcd && !flags.dryRun && (await stepNow()) === 'reissue') await renewMemberTrust(etcd)
    if (flags.certificateKey !== undefined && !flags.dryRun) await fetchShared(context, pki)
    const step = await stepNow()
    print(`Step ${rotationSteps.indexOf(step) + 1} of 3 (${step}) for ${spec.name}:`)
    for (const line of await planOfStep(step, spec, set, settings, world.disk)) print(`  ${line}`)
    if (flags.dryRun) return
    await rotateStep(step, spec, { set, settings, world, print })
    if (isEtcd && step !== 'reissue' && !(await renewMemberTrust(etcd)))
      print(`[etcd] no etcd of this host names ${etcd.bundle}: where one trusts it, start that anew before you go on`)
    if (!pki.isLocal) await tellCluster(context, pki, spec)
    const handsOver = flags.uploadCerts && !pki.isLocal
    const key = handsOver
      ? await handOver(context, pki).catch((error) => Promise.reject(notHandedOver(error, step, spec)))
      : undefined
    const again = `coracle certs rotate-ca ${spec.name}${pki.isLocal ? ` --data-dir ${flags.dataDir}` : ''}`
    for (const line of whatIsNext(step, spec, key, pki.isLocal, again)) print(line)
  },
}

function authorityNamed(name: string, { set }: ChosenPki): AuthoritySpec {
  const found = set.authorities.find((spec) => spec.name === name)
  if (found) return found
  const known = set.authorities.map((spec) => spec.name).join(', ')
  throw new UserError(`there is no authority "${name}" here`, { hint: `it has ${known}`, exitCode: 2 })
}

function stepNamed(text: unknown): RotationStep | undefined {
  if (text === undefined) return undefined
  const step = rotationSteps.find((each) => each === text)
  if (step) return step
  throw new UserError(`--step knows ${rotationSteps.join(', ')}, not "${text}"`, { exitCode: 2 })
}

async function connected({ flags, world }: CommandContext) {
  return httpConnect(world)(await readEndpoint(world.disk, absolute(flags.kubeconfig as string)))
}

async function fetchShared(context: CommandContext, { settings }: ChosenPki): Promise<void> {
  await using client = await connected(context)
  const key = context.flags.certificateKey as string
  const fetch = () => downloadCertificates(client, { settings }, key, context.world, context.print)
  await patient(fetch, patienceOf(context))
}

/** As long as kubeadm is patient with the API. */
const patienceOf = ({ world: { clock } }: CommandContext) => ({ clock, timeout: '1m0s' })

async function handOver(context: CommandContext, { settings }: ChosenPki): Promise<string> {
  await using client = await connected(context)
  const key = newCertificateKey(context.world.random)
  const upload = () => uploadCertificates(client, { settings }, key, context.world, context.print)
  await patient(upload, patienceOf(context))
  return key
}

/** The step is done here by then: without its name the same command would go on to the next one. */
const notHandedOver = (error: unknown, step: RotationStep, { name }: AuthoritySpec) =>
  new UserError(`what was made could not be handed over: ${(error as Error).message}`, {
    hint: `when the API server answers, before the next step: coracle certs rotate-ca ${name} --step ${step} --upload-certs`,
    cause: error,
  })

/** Hosts that join, and nodes that look now and then, learn from cluster-info which authorities to trust. */
async function tellCluster(context: CommandContext, { settings }: ChosenPki, spec: AuthoritySpec): Promise<void> {
  if (spec.name !== 'ca') return
  const { world, print, printError } = context
  try {
    const certificateAuthority = (await world.disk.read(`${settings.certificatesDir}/ca.crt`))!
    await using client = await connected(context)
    await publishClusterInfo(client, { server: clusterEndpoint(settings), certificateAuthority }, print)
  } catch (error) {
    if (!(error instanceof ApiError || error instanceof LifecycleError)) throw error
    printError(`W: cluster-info still names the authorities of before: ${error.message}`)
    printError('   when the API server answers, run: coracle init phase bootstrap-token')
  }
}

function whatIsNext(
  step: RotationStep,
  { name }: AuthoritySpec,
  key: string | undefined,
  isLocal: boolean,
  again: string,
): readonly string[] {
  const next = rotationSteps[rotationSteps.indexOf(step) + 1]
  const copies = name === 'ca' && !isLocal ? [copiesOfKubeconfig] : []
  const lines = ['', ...elsewhere(step, name, key, isLocal), ...copies]
  if (next === undefined) return [...lines, `Done: ${name} is the new authority alone.`]
  const wait = name === 'ca' && !isLocal ? `${waits[step]}; then go on with:` : 'Go on with:'
  return [...lines, wait, `  ${again}`]
}

const copiesOfKubeconfig =
  'Copies of admin.conf, such as ~/.kube/config, are as they were: copy it anew before the old authority is dropped.'

const waits: Readonly<Record<RotationStep, string>> = {
  trust: 'Nodes and pods learn of the new authority within the hour',
  reissue: 'Nodes have certificates of the new authority within the hour',
  drop: '',
}

/** What has to happen in other places before the next step. */
function elsewhere(step: RotationStep, name: string, key: string | undefined, isLocal: boolean): readonly string[] {
  if (isLocal)
    return [
      'A cluster that runs takes it up by itself. Your kubeconfig does not: "coracle up" brings it up to date, "coracle kubeconfig" prints one.',
    ]
  if (key)
    return [`On every other control plane: coracle certs rotate-ca ${name} --step ${step} --certificate-key ${key}`]
  return [
    `On every other control plane do the same step: this one with --upload-certs prints the command, or copy the files of ${name} there.`,
  ]
}
