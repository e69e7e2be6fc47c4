import { Taint } from '../../kinds/core/scheduling.ts'
import {
  bool,
  duration,
  explicit,
  int32,
  list,
  map,
  type ObjectType,
  object,
  string,
  time,
} from '../../schema/types.ts'

/**
 * `v1beta2` and `v1beta3`: what their documents may hold. Everything is explicit, since the reading only checks names and
 * types and gives what is there to the conversion (`convert.ts`).
 */
const given = <T extends Parameters<typeof explicit>[1]>(type: T) => explicit(0, type, '')
const shape = (name: string, fields: Parameters<typeof object>[2]) => object(name, '', fields)

const typeMeta = { apiVersion: given(string), kind: given(string) }
const image = { imageRepository: given(string), imageTag: given(string) }
/** By the name of the flag; since v1beta4 a list. */
const args = given(map(string))
const strings = given(list(string))

function typesOf(version: 'v1beta2' | 'v1beta3'): Readonly<Record<string, ObjectType>> {
  const name = (type: string) => `kubeadm.k8s.io.${version}.${type}`
  const since3 = <F extends object>(fields: F): F | Record<never, never> => (version === 'v1beta3' ? fields : {})

  const HostPathMount = shape(name('HostPathMount'), {
    name: given(string),
    hostPath: given(string),
    mountPath: given(string),
    readOnly: given(bool),
    pathType: given(string),
  })
  const component = { extraArgs: args, extraVolumes: given(list(HostPathMount)) }
  const Component = shape(name('ControlPlaneComponent'), component)
  const Etcd = shape(name('Etcd'), {
    local: given(
      shape(name('LocalEtcd'), {
        ...image,
        dataDir: given(string),
        extraArgs: args,
        serverCertSANs: strings,
        peerCertSANs: strings,
      }),
    ),
    external: given(
      shape(name('ExternalEtcd'), {
        endpoints: strings,
        caFile: given(string),
        certFile: given(string),
        keyFile: given(string),
      }),
    ),
  })
  const ApiEndpoint = shape(name('APIEndpoint'), { advertiseAddress: given(string), bindPort: given(int32) })
  const nodeRegistration = given(
    shape(name('NodeRegistrationOptions'), {
      name: given(string),
      criSocket: given(string),
      taints: given(list(Taint)),
      kubeletExtraArgs: args,
      ignorePreflightErrors: strings,
      ...since3({ imagePullPolicy: given(string) }),
    }),
  )
  const onHost = since3({
    skipPhases: strings,
    patches: given(shape(name('Patches'), { directory: given(string) })),
  })
  return {
    InitConfiguration: shape(name('InitConfiguration'), {
      ...typeMeta,
      bootstrapTokens: given(
        list(
          shape(name('BootstrapToken'), {
            token: given(string),
            description: given(string),
            ttl: given(duration),
            expires: given(time),
            usages: strings,
            groups: strings,
          }),
        ),
      ),
      nodeRegistration,
      localAPIEndpoint: given(ApiEndpoint),
      certificateKey: given(string),
      ...onHost,
    }),
    ClusterConfiguration: shape(name('ClusterConfiguration'), {
      ...typeMeta,
      etcd: given(Etcd),
      networking: given(
        shape(name('Networking'), { serviceSubnet: given(string), podSubnet: given(string), dnsDomain: given(string) }),
      ),
      kubernetesVersion: given(string),
      controlPlaneEndpoint: given(string),
      apiServer: given(
        shape(name('APIServer'), { ...component, certSANs: strings, timeoutForControlPlane: given(duration) }),
      ),
      controllerManager: given(Component),
      scheduler: given(Component),
      dns: given(shape(name('DNS'), { ...image, ...(version === 'v1beta2' && { type: given(string) }) })),
      certificatesDir: given(string),
      imageRepository: given(string),
      featureGates: given(map(bool)),
      clusterName: given(string),
      ...(version === 'v1beta2' && { useHyperKubeImage: given(bool) }),
    }),
    JoinConfiguration: shape(name('JoinConfiguration'), {
      ...typeMeta,
      nodeRegistration,
      caCertPath: given(string),
      discovery: given(
        shape(name('Discovery'), {
          bootstrapToken: given(
            shape(name('BootstrapTokenDiscovery'), {
              token: given(string),
              apiServerEndpoint: given(string),
              caCertHashes: strings,
              unsafeSkipCAVerification: given(bool),
            }),
          ),
          file: given(shape(name('FileDiscovery'), { kubeConfigPath: given(string) })),
          tlsBootstrapToken: given(string),
          timeout: given(duration),
        }),
      ),
      controlPlane: given(
        shape(name('JoinControlPlane'), { localAPIEndpoint: given(ApiEndpoint), certificateKey: given(string) }),
      ),
      ...onHost,
    }),
  }
}

/** By version and kind. */
export const oldTypes: Readonly<Record<string, Readonly<Record<string, ObjectType>>>> = {
  v1beta2: typesOf('v1beta2'),
  v1beta3: typesOf('v1beta3'),
}
