import type { Client } from '../../client/client.ts'
import { Node } from '../../kinds/core/node.ts'
import type { Taint } from '../../kinds/core/scheduling.ts'
import { isNotFound } from '../../schema/status.ts'
import { controlPlaneLabel } from '../config/defaults.ts'
import type { Phase } from '../phase.ts'
import type { InitData } from './data.ts'
import { insist, isPassing, type Patience } from './patient.ts'

const labels: Readonly<Record<string, string>> = {
  [controlPlaneLabel]: '',
  'node.kubernetes.io/exclude-from-external-load-balancers': '',
}

export const markControlPlane: Phase<InitData> = {
  name: 'mark-control-plane',
  summary: 'Mark a node as a control-plane',
  plan: async ({ nodeName }) => [`[mark-control-plane] Would mark the node ${nodeName} as control-plane`],
  async run(data) {
    const { init, nodeName, tools, patience } = data
    await markNode(await data.client(), nodeName, init.nodeRegistration.taints ?? [], patience, tools.print)
  },
}

/** Gives a node the label and the taints of a control plane, as soon as it has registered itself. */
export async function markNode(
  client: Client,
  name: string,
  taints: readonly Taint[],
  patience: Patience,
  print: (line: string) => void,
): Promise<void> {
  const prefix = `[mark-control-plane] Marking the node ${name} as control-plane by adding the`
  print(`${prefix} labels: [${Object.keys(labels).join(' ')}]`)
  if (taints.length > 0) print(`${prefix} taints [${taints.map(({ key, effect }) => `${key}:${effect}`).join(' ')}]`)
  const mark = async () => {
    const node = await client.get(Node, { name })
    const there = node.spec?.taints ?? []
    const others = there.filter(
      ({ key, effect }) => !taints.some((taint) => taint.key === key && taint.effect === effect),
    )
    await client.update(Node, {
      ...node,
      metadata: { ...node.metadata, labels: { ...node.metadata.labels, ...labels } },
      spec: { ...node.spec, taints: [...others, ...taints] },
    })
  }
  await insist(mark, (error) => isNotFound(error) || isPassing(error), patience)
}
