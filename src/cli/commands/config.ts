import { goYaml } from '../../base/go-yaml.ts'
import type { KnownFlags } from '../../lifecycle/config/component-flags.ts'
import { defaultCriSocket, placeholders } from '../../lifecycle/config/defaults.ts'
import { controlPlaneImages } from '../../lifecycle/config/images.ts'
import {
  initSettings,
  joinSettings,
  type ReadDocuments,
  readDocuments,
  resetSettings,
  upgradeSettings,
} from '../../lifecycle/config/read.ts'
import { configurationYaml, joinDocuments } from '../../lifecycle/config/write.ts'
import type { LifecycleTools } from '../../lifecycle/init/data.ts'
import { type Command, type CommandContext, UserError } from '../command.ts'
import { knownFlags, lifecycleTools, listOf, readConfigFile, textOf } from '../lifecycle.ts'
import { applyImageFlags } from './init.ts'

const componentConfigs = {
  type: 'string',
  value: 'LIST',
  help: 'configurations of components to print, too: KubeProxyConfiguration,KubeletConfiguration',
} as const

export const config: Command = {
  name: 'config',
  summary: 'Print, check and convert kubeadm configurations',
  flags: {},
  examples: ['config print init-defaults', 'config migrate --old-config old.yaml --new-config new.yaml'],
  subcommands: [
    {
      name: 'print',
      summary: 'Print configuration',
      flags: {},
      examples: ['config print init-defaults --component-configs KubeletConfiguration'],
      subcommands: [
        printCommand('init-defaults', 'Print default init configuration, that can be used for "init"', initDefaults),
        printCommand('join-defaults', 'Print default join configuration, that can be used for "join"', joinDefaults),
        printCommand(
          'reset-defaults',
          'Print default reset configuration, that can be used for "reset"',
          resetDefaults,
        ),
        printCommand(
          'upgrade-defaults',
          'Print default upgrade configuration, that can be used for "upgrade"',
          upgradeDefaults,
        ),
      ],
    },
    {
      name: 'migrate',
      summary:
        'Read an older version of the kubeadm configuration from a file, and output the similar object of the newest version',
      flags: {
        oldConfig: { type: 'string', value: 'FILE', help: 'the file with the old configuration' },
        newConfig: { type: 'string', value: 'FILE', help: 'where the new one is written; standard output when absent' },
      },
      examples: ['config migrate --old-config old.yaml --new-config new.yaml'],
      run: migrate,
    },
    {
      name: 'validate',
      summary: 'Read a file of kubeadm configuration and report any validation issues',
      flags: { config: { type: 'string', value: 'FILE', help: 'the file to check' } },
      examples: ['config validate --config kubeadm.yaml'],
      run: validate,
    },
    {
      name: 'images',
      summary: 'Interact with container images used by kubeadm',
      flags: {},
      examples: ['config images list'],
      subcommands: [
        {
          name: 'list',
          summary: 'Print the images that a control plane uses',
          flags: {
            config: { type: 'string', value: 'FILE', help: 'kubeadm configuration' },
            kubernetesVersion: { type: 'string', value: 'V', help: 'version of the control plane' },
            imageRepository: { type: 'string', value: 'R', help: 'registry of images' },
          },
          examples: ['config images list --kubernetes-version v1.36.0'],
          run: listImages,
        },
      ],
    },
  ],
}

function printCommand(name: string, summary: string, text: (tools: LifecycleTools) => Promise<Printed>): Command {
  return {
    name,
    summary,
    flags: { componentConfigs },
    examples: [`config print ${name}`],
    async run(context) {
      const tools = lifecycleTools(context)
      const printed = await text(tools)
      const components = listOf(context.flags, 'componentConfigs').map((kind) => {
        const component = printed.components[kind]
        if (component === undefined)
          throw new UserError(`unknown component config ${JSON.stringify(kind)}`, { exitCode: 2 })
        return goYaml(component)
      })
      context.print(joinDocuments([...printed.own, ...components]).trimEnd())
    },
  }
}

interface Printed {
  readonly own: readonly string[]
  readonly components: Readonly<Record<string, object>>
}

async function initDefaults(tools: LifecycleTools): Promise<Printed> {
  const documents = placeheld(readDocuments('', tools.warn))
  const { init, cluster, kubelet, kubeProxy } = await initSettings(documents, { ...tools, version: tools.program })
  const { taints: _, ...nodeRegistration } = init.nodeRegistration
  return {
    own: [configurationYaml({ ...init, nodeRegistration }), configurationYaml(cluster)],
    components: { KubeletConfiguration: kubelet, KubeProxyConfiguration: kubeProxy },
  }
}

async function joinDefaults(tools: LifecycleTools): Promise<Printed> {
  const join = await joinSettings(readDocuments('', tools.warn), { ...tools, version: tools.program }, (draft) => {
    draft.nodeRegistration.name = placeholders.nodeName
    draft.discovery.bootstrapToken = {
      token: placeholders.token,
      apiServerEndpoint: placeholders.apiServerEndpoint,
      unsafeSkipCAVerification: true,
    }
  })
  return { own: [configurationYaml(join)], components: {} }
}

async function resetDefaults(tools: LifecycleTools): Promise<Printed> {
  const documents = readDocuments('', tools.warn)
  return { own: [configurationYaml(resetSettings(documents, { ...tools, version: tools.program }))], components: {} }
}

async function upgradeDefaults(tools: LifecycleTools): Promise<Printed> {
  return { own: [configurationYaml(upgradeSettings(readDocuments('', tools.warn)))], components: {} }
}

/** What a configuration must have that no default gives. */
function placeheld(documents: ReadDocuments): ReadDocuments {
  const { init } = documents
  init.nodeRegistration.name ||= placeholders.nodeName
  init.nodeRegistration.criSocket ||= defaultCriSocket
  init.localAPIEndpoint.advertiseAddress ||= placeholders.advertiseAddress
  if (!init.bootstrapTokens?.length) init.bootstrapTokens = [{ token: placeholders.token }]
  return documents
}

async function migrate(context: CommandContext): Promise<void> {
  const { flags, print, world } = context
  const tools = lifecycleTools(context)
  const file = textOf(flags, 'oldConfig')
  if (!file) throw new UserError('the --old-config flag is mandatory', { exitCode: 2 })
  const text = joinDocuments(await converted(await readConfigFile(file, tools), tools))
  const target = textOf(flags, 'newConfig')
  if (target === undefined) print(text.trimEnd())
  else await world.disk.write(target.startsWith('/') ? target : `${process.cwd()}/${target}`, text, 0o600)
}

/** All documents of ours in the newest version, with their defaults; those of components are written along. */
async function converted(text: string, tools: LifecycleTools, known?: KnownFlags): Promise<readonly string[]> {
  const documents = readDocuments(text, tools.warn)
  const { kinds } = documents
  const withVersion = { ...tools, version: tools.program, ...(known && { knownFlags: known }) }
  const parts: string[] = []
  if (kinds.includes('InitConfiguration') || kinds.includes('ClusterConfiguration')) {
    const { init, cluster } = await initSettings(documents, withVersion)
    parts.push(configurationYaml(init), configurationYaml(cluster))
    for (const component of [documents.kubelet, documents.kubeProxy]) if (component) parts.push(goYaml(component))
  }
  if (kinds.includes('JoinConfiguration')) parts.push(configurationYaml(await joinSettings(documents, withVersion)))
  if (kinds.includes('ResetConfiguration')) parts.push(configurationYaml(resetSettings(documents, withVersion)))
  if (kinds.includes('UpgradeConfiguration')) parts.push(configurationYaml(upgradeSettings(documents)))
  if (parts.length === 0) throw new UserError('no kubeadm configuration was found in the YAML file')
  return parts
}

async function validate(context: CommandContext): Promise<void> {
  const tools = lifecycleTools(context)
  const file = textOf(context.flags, 'config')
  if (!file) throw new UserError('the --config flag is mandatory', { exitCode: 2 })
  await converted(await readConfigFile(file, tools), tools, knownFlags)
  context.print('ok')
}

async function listImages(context: CommandContext): Promise<void> {
  const { flags, print } = context
  const tools = lifecycleTools(context)
  const file = textOf(flags, 'config')
  const text = file === undefined ? '' : await readConfigFile(file, tools)
  const documents = placeheld(readDocuments(text, tools.warn))
  const { cluster } = await initSettings(documents, { ...tools, version: tools.program }, (read) =>
    applyImageFlags(read, flags),
  )
  for (const image of controlPlaneImages(cluster)) print(image)
}
