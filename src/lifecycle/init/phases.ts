import type { Phase } from '../phase.ts'
import { addon } from './addons.ts'
import { bootstrapToken, showJoinCommand } from './bootstrap-token.ts'
import { certs, kubeconfig } from './certs.ts'
import type { InitData } from './data.ts'
import { kubeletFinalize, kubeletStart, waitControlPlane } from './kubelet.ts'
import { markControlPlane } from './mark.ts'
import { preflight } from './preflight.ts'
import { controlPlane, etcd } from './static-pods.ts'
import { uploadCerts, uploadConfig } from './upload.ts'

/** The phases of `init`, in their order. Each may be run alone, and again. */
export const initPhases: readonly Phase<InitData>[] = [
  preflight,
  certs,
  kubeconfig,
  etcd,
  controlPlane,
  kubeletStart,
  waitControlPlane,
  uploadConfig,
  uploadCerts,
  markControlPlane,
  bootstrapToken,
  kubeletFinalize,
  addon,
  showJoinCommand,
]
