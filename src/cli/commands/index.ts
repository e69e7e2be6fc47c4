import type { Command } from '../command.ts'
import { backup } from './backup.ts'
import { certs } from './certs.ts'
import { config } from './config.ts'
import { cordon } from './cordon.ts'
import { down } from './down.ts'
import { drain } from './drain.ts'
import { drill } from './drill.ts'
import { etcd } from './etcd.ts'
import { init } from './init.ts'
import { join } from './join.ts'
import { kubeApiserver } from './kube-apiserver.ts'
import { kubeControllerManager } from './kube-controller-manager.ts'
import { kubeProxyCommand } from './kube-proxy.ts'
import { kubeScheduler } from './kube-scheduler.ts'
import { kubeconfig } from './kubeconfig.ts'
import { kubeletCommand } from './kubelet.ts'
import { lb } from './lb.ts'
import { nodeCommand } from './node.ts'
import { reset } from './reset.ts'
import { restore } from './restore.ts'
import { status } from './status.ts'
import { token } from './token.ts'
import { uncordon } from './uncordon.ts'
import { up } from './up.ts'
import { upgrade } from './upgrade.ts'
import { version } from './version.ts'
import { why } from './why.ts'

/** Every command, in the order of the help. To add one, add a file and a line here. */
export const commands: readonly Command[] = [
  up,
  down,
  init,
  join,
  upgrade,
  reset,
  config,
  status,
  why,
  drain,
  cordon,
  uncordon,
  lb,
  etcd,
  backup,
  restore,
  drill,
  certs,
  token,
  kubeconfig,
  version,
  kubeApiserver,
  kubeControllerManager,
  kubeScheduler,
  kubeProxyCommand,
  kubeletCommand,
  nodeCommand,
]
