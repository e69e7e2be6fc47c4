import { goYaml } from '../../base/go-yaml.ts'
import type { HostPathMount } from '../config/types.ts'
import { paths } from '../paths.ts'

/** The static pod of a component: one container on the host's network. */
export interface ComponentPod {
  readonly name: string
  readonly image: string
  readonly command: readonly string[]
  readonly cpu: string
  readonly memory?: string
  readonly port: number
  readonly probes: Probes
  readonly mounts: readonly Mount[]
  readonly env?: readonly object[]
  readonly annotations?: Readonly<Record<string, string>>
}

export interface Probes {
  readonly host: string
  readonly scheme: 'HTTP' | 'HTTPS'
  readonly livePath: string
  readonly readyPath: string
  readonly startupPath?: string
  /** Whether readiness is asked for on its own: kubeadm does it for the API server and etcd, and since 1.33 for all. */
  readonly startupSeconds: number
}

export interface Mount {
  readonly name: string
  readonly path: string
  /** Where it lies in the container; default: at the same place. */
  readonly mountPath?: string
  readonly type?: string
  readonly readOnly?: boolean
}

export const toMount = ({ name, hostPath, mountPath, pathType, readOnly }: HostPathMount): Mount => ({
  name,
  path: hostPath,
  mountPath,
  ...(pathType && { type: pathType }),
  readOnly: readOnly === true,
})

/** The Pod as it lies in the folder of static pods. */
export function toPod(component: ComponentPod): object {
  const { name, image, command, cpu, memory, port, mounts, env, annotations } = component
  const sorted = [...mounts].sort((one, other) => (one.name < other.name ? -1 : 1))
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...(annotations && { annotations }),
      labels: { component: name, tier: 'control-plane' },
      name,
      namespace: 'kube-system',
    },
    spec: {
      containers: [
        {
          command,
          ...(env?.length && { env }),
          image,
          imagePullPolicy: 'IfNotPresent',
          ...probesOf(component.probes),
          name,
          ports: [{ containerPort: port, name: 'probe-port', protocol: 'TCP' }],
          resources: { requests: { cpu, ...(memory && { memory }) } },
          volumeMounts: sorted.map((mount) => ({
            mountPath: mount.mountPath ?? mount.path,
            name: mount.name,
            ...(mount.readOnly && { readOnly: true }),
          })),
        },
      ],
      hostNetwork: true,
      priority: 2_000_001_000,
      priorityClassName: 'system-node-critical',
      securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
      volumes: sorted.map((mount) => ({
        hostPath: { path: mount.path, ...(mount.type && { type: mount.type }) },
        name: mount.name,
      })),
    },
    status: {},
  }
}

function probesOf({ host, scheme, livePath, readyPath, startupPath = livePath, startupSeconds }: Probes) {
  const get = (path: string) => ({ host, path, port: 'probe-port', scheme })
  return {
    livenessProbe: {
      failureThreshold: 8,
      httpGet: get(livePath),
      initialDelaySeconds: 10,
      periodSeconds: 10,
      timeoutSeconds: 15,
    },
    readinessProbe: { failureThreshold: 3, httpGet: get(readyPath), periodSeconds: 1, timeoutSeconds: 15 },
    startupProbe: {
      failureThreshold: Math.max(1, Math.ceil(startupSeconds / 10)),
      httpGet: get(startupPath),
      initialDelaySeconds: 10,
      periodSeconds: 10,
      timeoutSeconds: 15,
    },
  }
}

export const podYaml = (pod: object): string => goYaml(pod)

export const manifestPath = (component: string, folder: string = paths.manifests): string =>
  `${folder}/${component}.yaml`
