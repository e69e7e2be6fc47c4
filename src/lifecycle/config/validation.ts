import { type Cidr, cidrContains, cidrSize, formatCidr, parseCidr, parseIp } from '../../base/cidr.ts'
import type { FieldErrors } from '../../schema/field-errors.ts'
import { dnsSubdomainFaults, wildcardSubdomainFaults } from '../../schema/names.ts'
import { splitHostPort } from '../pki/settings.ts'
import { keyAlgorithms } from '../pki.ts'
import { knownFeatureGates } from './feature-gates.ts'
import type {
  ApiEndpoint,
  Argument,
  BootstrapToken,
  ClusterConfiguration,
  InitConfiguration,
  JoinConfiguration,
  NodeRegistration,
  ResetConfiguration,
} from './types.ts'

/**
 * What is wrong with a configuration, field by field, in kubeadm's words. Each takes a configuration that has its
 * defaults. Warnings go to `warn`.
 */
type Warn = (line: string) => void

export function validateInit(init: InitConfiguration, errors: FieldErrors): void {
  nodeRegistration(init.nodeRegistration, 'nodeRegistration', errors)
  for (const [index, token] of (init.bootstrapTokens ?? []).entries())
    bootstrapToken(token, `bootstrapTokens.${index}`, errors)
  apiEndpoint(init.localAPIEndpoint, 'localAPIEndpoint', errors)
  certificateKey(init.certificateKey ?? '', 'certificateKey', errors)
}

export function validateCluster(cluster: ClusterConfiguration, errors: FieldErrors, warn: Warn): void {
  if (cluster.dns.imageRepository) imageRepository(cluster.dns.imageRepository, 'dns.imageRepository', errors)
  networking(cluster, errors, warn)
  certSans(cluster.apiServer.certSANs, 'apiServer.certSANs', errors)
  for (const component of ['apiServer', 'controllerManager', 'scheduler'] as const)
    extraArgs(cluster[component].extraArgs, `${component}.extraArgs`, errors)
  absolutePath(cluster.certificatesDir, 'certificatesDir', errors)
  featureGates(cluster.featureGates ?? {}, errors)
  controlPlaneEndpoint(cluster.controlPlaneEndpoint, errors)
  imageRepository(cluster.imageRepository, 'imageRepository', errors)
  etcd(cluster, errors)
  if (!(keyAlgorithms as readonly string[]).includes(cluster.encryptionAlgorithm)) {
    const known = [...keyAlgorithms].sort().join(' ')
    errors.invalid(
      'encryptionAlgorithm',
      cluster.encryptionAlgorithm,
      `Invalid encryption algorithm ${JSON.stringify(cluster.encryptionAlgorithm)}. Must be one of [${known}]`,
    )
  }
}

export function validateJoin(join: JoinConfiguration, errors: FieldErrors): void {
  discovery(join, errors)
  nodeRegistration(join.nodeRegistration, 'nodeRegistration', errors)
  if (join.controlPlane) {
    apiEndpoint(join.controlPlane.localAPIEndpoint, 'controlPlane.localAPIEndpoint', errors)
    certificateKey(join.controlPlane.certificateKey ?? '', 'controlPlane.certificateKey', errors)
  }
  if (!join.caCertPath.startsWith('/') || !join.caCertPath.endsWith('.crt'))
    errors.invalid('caCertPath', join.caCertPath, 'the ca certificate path must be an absolute path')
}

export function validateReset(reset: ResetConfiguration, errors: FieldErrors): void {
  socketPath(reset.criSocket, 'criSocket', errors)
  absolutePath(reset.certificatesDir, 'certificatesDir', errors)
  for (const [index, flag] of (reset.unmountFlags ?? []).entries()) {
    const known = ['MNT_FORCE', 'MNT_DETACH', 'MNT_EXPIRE', 'UMOUNT_NOFOLLOW']
    if (!known.includes(flag)) errors.invalid('unmountFlags', `index ${index}`, `unknown unmount flag ${flag}`)
  }
}

/** What was told to be ignored, in lower case, since names of checks have no case. */
export function ignoredErrors(
  flags: readonly string[],
  configured: readonly string[],
  errors: FieldErrors,
): ReadonlySet<string> {
  const ignored = new Set([...configured, ...flags].map((each) => each.toLowerCase()))
  if (ignored.has('all') && ignored.size > 1) {
    const names = [...ignored].sort().join(',')
    errors.invalid('ignore-preflight-errors', names, "don't specify individual checks if 'all' is used")
  }
  return ignored
}

function nodeRegistration(node: NodeRegistration, path: string, errors: FieldErrors): void {
  if (node.name === '')
    errors.required(
      path,
      "--node-name or .nodeRegistration.name in the config file is a required value. It seems like this value couldn't be automatically detected in your environment, please specify the desired value using the CLI or config file.",
    )
  else for (const problem of dnsSubdomainFaults(node.name)) errors.invalid(`${path}.name`, node.name, problem)
  socketPath(node.criSocket, `${path}.criSocket`, errors)
  extraArgs(node.kubeletExtraArgs, `${path}.kubeletExtraArgs`, errors)
  if (!['Always', 'IfNotPresent', 'Never'].includes(node.imagePullPolicy))
    errors.invalid(`${path}.imagePullPolicy`, node.imagePullPolicy, 'invalid pull policy')
}

function discovery({ discovery }: JoinConfiguration, errors: FieldErrors): void {
  const { bootstrapToken, file, tlsBootstrapToken = '' } = discovery
  if (!bootstrapToken && !file) errors.invalid('discovery', '', 'bootstrapToken or file must be set')
  if (bootstrapToken && file) errors.invalid('discovery', '', 'bootstrapToken and file cannot both be set')
  if (bootstrapToken) {
    const path = 'discovery.bootstrapToken'
    if (bootstrapToken.apiServerEndpoint === '') errors.required(path, 'APIServerEndpoint is not set')
    if (!bootstrapToken.caCertHashes?.length && !bootstrapToken.unsafeSkipCAVerification)
      errors.invalid(
        `${path}.caCertHashes`,
        '',
        'using token-based discovery without caCertHashes can be unsafe. Set unsafeSkipCAVerification as true in your kubeadm config file or pass --discovery-token-unsafe-skip-ca-verification flag to continue',
      )
    token(bootstrapToken.token, `${path}.token`, errors)
    const problem = hostPortFault(bootstrapToken.apiServerEndpoint)
    if (problem) errors.invalid(`${path}.apiServerEndpoint`, bootstrapToken.apiServerEndpoint, problem)
    token(tlsBootstrapToken, 'discovery.tlsBootstrapToken', errors)
  }
  if (file) {
    const [, scheme] = /^([a-z][a-z0-9+.-]*):/i.exec(file.kubeConfigPath) ?? []
    if (file.kubeConfigPath === '')
      errors.invalid('discovery.file.kubeConfigPath', '', 'not a valid HTTPS URL or a file on disk')
    else if (scheme !== undefined && scheme !== 'https')
      errors.invalid('discovery.file.kubeConfigPath', file.kubeConfigPath, 'if a URL is used, the scheme must be https')
    if (tlsBootstrapToken !== '') token(tlsBootstrapToken, 'discovery.tlsBootstrapToken', errors)
  }
}

/** Go's words for an address without its port. */
function hostPortFault(text: string): string | undefined {
  const shown = `address ${text}`
  if (text.startsWith('[')) {
    if (!text.includes(']')) return `${shown}: missing ']' in address`
    return /\]:\d*$/.test(text) ? undefined : `${shown}: missing port in address`
  }
  const colons = text.split(':').length - 1
  if (colons === 0) return text === '' ? 'missing port in address' : `${shown}: missing port in address`
  return colons > 1 ? `${shown}: too many colons in address` : undefined
}

function bootstrapToken(given: BootstrapToken, path: string, errors: FieldErrors): void {
  token(given.token, `${path}.token`, errors)
  const { usages = [], groups = [] } = given
  const unknown = usages.filter((usage) => usage !== 'signing' && usage !== 'authentication')
  if (unknown.length > 0)
    errors.invalid(
      `${path}.usages`,
      usages,
      `invalid bootstrap token usage string: ${unknown.join(',')}, valid usage options: signing,authentication`,
    )
  if (groups.length > 0 && !usages.includes('authentication'))
    errors.invalid(
      `${path}.groups`,
      groups,
      'token groups cannot be specified unless --usages includes "authentication"',
    )
  for (const group of groups) {
    if (!groupForm.test(group))
      errors.invalid(
        `${path}.groups`,
        groups,
        `bootstrap group ${JSON.stringify(group)} is invalid (must match ${groupForm.source.replaceAll('\\/', '/')})`,
      )
  }
  if (given.ttl !== undefined && given.expires !== undefined)
    errors.invalid(path, '', 'the BootstrapToken .TTL and .Expires fields are mutually exclusive')
}

const groupForm = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/
const tokenForm = /^([a-z0-9]{6})\.([a-z0-9]{16})$/

export const isToken = (text: string): boolean => tokenForm.test(text)

function token(text: string, path: string, errors: FieldErrors): void {
  if (!isToken(text)) errors.invalid(path, text, 'the bootstrap token is invalid')
}

function etcd({ etcd: { local, external } }: ClusterConfiguration, errors: FieldErrors): void {
  if (!local && !external) return errors.invalid('etcd', '', 'either .Etcd.Local or .Etcd.External is required')
  if (local && external) return errors.invalid('etcd', '', '.Etcd.Local and .Etcd.External are mutually exclusive')
  if (local) {
    absolutePath(local.dataDir, 'etcd.local.dataDir', errors)
    certSans(local.serverCertSANs, 'etcd.local.serverCertSANs', errors)
    certSans(local.peerCertSANs, 'etcd.local.peerCertSANs', errors)
    if (local.imageRepository) imageRepository(local.imageRepository, 'etcd.local.imageRepository', errors)
    extraArgs(local.extraArgs, 'etcd.local.extraArgs', errors)
  }
  if (external) externalEtcd(external, errors)
}

function externalEtcd(external: NonNullable<ClusterConfiguration['etcd']['external']>, errors: FieldErrors): void {
  const { caFile, certFile, keyFile, endpoints } = external
  const path = 'etcd.external'
  const isSecure = caFile !== '' || certFile !== '' || keyFile !== ''
  if ((certFile === '') !== (keyFile === ''))
    errors.invalid(path, '', 'either both or none of .Etcd.External.CertFile and .Etcd.External.KeyFile must be set')
  if (certFile !== '' && keyFile !== '' && caFile === '')
    errors.invalid(
      path,
      '',
      'setting .Etcd.External.CertFile and .Etcd.External.KeyFile requires .Etcd.External.CAFile',
    )
  for (const url of endpoints ?? []) {
    const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url) ?? []
    if (isSecure && scheme !== 'https')
      errors.invalid(`${path}.endpoints`, url, 'the URL must be using the HTTPS scheme')
    if (scheme === undefined) errors.invalid(`${path}.endpoints`, url, 'the URL without scheme is not allowed')
  }
  for (const [name, file] of Object.entries({ caFile, certFile, keyFile })) {
    if (file !== '') absolutePath(file, `${path}.${name}`, errors)
  }
}

function certSans(names: readonly string[] = [], path: string, errors: FieldErrors): void {
  for (const name of names) {
    const [faults, wildcardFaults] = [dnsSubdomainFaults(name), wildcardSubdomainFaults(name)]
    if (faults.length === 0 || wildcardFaults.length === 0 || parseIp(name, 'sloppy')) continue
    errors.invalid(
      path,
      name,
      `altname is not a valid IP address, DNS label or a DNS label with subdomain wildcards: ${faults.join('; ')}; ${wildcardFaults.join('; ')}`,
    )
  }
}

function apiEndpoint({ advertiseAddress, bindPort }: ApiEndpoint, path: string, errors: FieldErrors): void {
  if (!parseIp(advertiseAddress, 'sloppy'))
    errors.invalid(`${path}.advertiseAddress`, advertiseAddress, 'ip address is not valid')
  if (bindPort < 1 || bindPort > 65_535) errors.invalid(`${path}.bindPort`, bindPort, 'port number is not valid')
}

function controlPlaneEndpoint(endpoint: string, errors: FieldErrors): void {
  if (endpoint === '') return
  const { host, port } = splitHostPort(endpoint)
  const isHost = parseIp(host, 'sloppy') !== undefined || dnsSubdomainFaults(host).length === 0
  const hasPort = /\]:|^[^:]*:[^:]*$/.test(endpoint)
  if (!isHost || (hasPort && (port === undefined || port < 1 || port > 65_535)))
    errors.invalid('controlPlaneEndpoint', endpoint, 'endpoint is not valid')
}

function networking(cluster: ClusterConfiguration, errors: FieldErrors, warn: Warn): void {
  const { dnsDomain, serviceSubnet, podSubnet } = cluster.networking
  for (const problem of dnsSubdomainFaults(dnsDomain)) errors.invalid('networking.dnsDomain', dnsDomain, problem)
  const services = subnets(serviceSubnet, 'networking.serviceSubnet', errors, warn)
  for (const subnet of services) {
    const bits = subnet.address.family === 4 ? 32 : 128
    if (bits - subnet.prefixLength > 20)
      errors.invalid(
        'networking.serviceSubnet',
        formatCidr(subnet),
        `specified service subnet is too large; for ${bits}-bit addresses, the mask must be >= ${bits - 20}`,
      )
  }
  if (podSubnet === '') return
  const pods = subnets(podSubnet, 'networking.podSubnet', errors, warn)
  const managerArgs = cluster.controllerManager.extraArgs ?? []
  if (argumentValue(managerArgs, 'allocate-node-cidrs') !== 'false')
    for (const subnet of pods) nodeMask(subnet, managerArgs, errors)
}

/** Parts of a list of ranges: one, or one of each family. */
function subnets(text: string, path: string, errors: FieldErrors, warn: Warn): readonly Cidr[] {
  const parts = text.split(',').map((part) => parseCidr(part.trim(), 'sloppy'))
  if (!parts.every((part) => part !== undefined)) {
    errors.invalid(path, text, "couldn't parse subnet")
    return []
  }
  const families = new Set(parts.map(({ address }) => address.family))
  if (parts.length > 2 || (parts.length === 2 && families.size < 2))
    errors.invalid(
      path,
      text,
      'expected one (IPv4 or IPv6) CIDR or two CIDRs from each family for dual-stack networking',
    )
  for (const part of parts) {
    const size = cidrSize(part)
    if (size < 10n)
      errors.invalid(path, formatCidr(part), `subnet with ${size} address(es) is too small, the minimum is 10`)
    if (part.address.family === 6 && (cidrContains(siteLocal, part.address) || cidrContains(part, siteLocal.address)))
      warn(
        `the subnet ${formatCidr(part)} contains IPv6 site-local addresses that belong to fec0::/10 which has been deprecated by rfc3879`,
      )
  }
  return parts
}

const siteLocal = parseCidr('fec0::/10')!

function nodeMask(subnet: Cidr, managerArgs: readonly Argument[], errors: FieldErrors): void {
  const path = 'networking.podSubnet'
  const flag = subnet.address.family === 4 ? 'node-cidr-mask-size-ipv4' : 'node-cidr-mask-size-ipv6'
  const asked = argumentValue(managerArgs, flag) || (subnet.address.family === 4 ? '24' : '64')
  const shown = formatCidr(subnet)
  if (!/^\d+$/.test(asked))
    return errors.invalid(
      path,
      shown,
      `could not parse the value of the kube-controller-manager flag ${flag} as an integer: strconv.Atoi: parsing ${JSON.stringify(asked)}: invalid syntax`,
    )
  const [mask, node] = [subnet.prefixLength, Number(asked)]
  if (mask > node)
    errors.invalid(
      path,
      shown,
      `the size of pod subnet with mask ${mask} is smaller than the size of node subnet with mask ${node}`,
    )
  else if (node - mask > 16)
    errors.invalid(path, shown, `pod subnet mask (${mask}) and node-mask (${node}) difference is greater than 16`)
}

/** The last one of that name. */
export const argumentValue = (args: readonly Argument[], name: string): string | undefined =>
  args.findLast((argument) => argument.name === name)?.value

function featureGates(gates: Readonly<Record<string, boolean>>, errors: FieldErrors): void {
  for (const gate of Object.keys(gates)) {
    if (!knownFeatureGates.has(gate)) errors.invalid('featureGates', gates, `${gate} is not a valid feature name.`)
  }
}

function certificateKey(key: string, path: string, errors: FieldErrors): void {
  if (key === '') return
  const stray = /[^0-9a-fA-F]/.exec(key)?.[0]
  if (stray !== undefined || key.length % 2 === 1) {
    const why =
      stray === undefined
        ? 'encoding/hex: odd length hex string'
        : `encoding/hex: invalid byte: U+${stray.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')} '${stray}'`
    return errors.invalid(path, key, `certificate key decoding error: ${why}`)
  }
  if (key.length !== 64)
    errors.invalid(path, key, `invalid certificate key size ${key.length / 2}, the key must be an AES key of size 32`)
}

function socketPath(socket: string, path: string, errors: FieldErrors): void {
  if (socket === '') return errors.invalid(path, socket, 'empty CRI socket')
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(socket)?.[1] ?? ''
  if (scheme !== 'unix')
    errors.invalid(path, socket, `only URL scheme "unix" is supported, got ${JSON.stringify(scheme)}`)
}

const repositoryForm =
  /^(?:(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?))*(?::\d+)?\/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/

function imageRepository(repository: string, path: string, errors: FieldErrors): void {
  if (!repositoryForm.test(`${repository}/name`)) errors.invalid(path, repository, 'invalid image repository format')
}

function absolutePath(path: string, field: string, errors: FieldErrors): void {
  if (!path.startsWith('/')) errors.invalid(field, path, 'path is not absolute')
}

function extraArgs(args: readonly Argument[] = [], path: string, errors: FieldErrors): void {
  for (const [index, { name }] of args.entries()) {
    if (name === '') errors.invalid(path, `index ${index}`, 'argument has no name')
  }
}
