import { kubernetesVersion } from '../../cluster/cluster.ts'
import type { Command } from '../command.ts'

export const version: Command = {
  name: 'version',
  summary: 'Print which Kubernetes this is',
  flags: {},
  examples: [],
  async run({ print }) {
    print(`Kubernetes ${kubernetesVersion} (Coracle)`)
  },
}
