import type { HostWorld } from '../../world/world.ts'
import { paths } from '../paths.ts'

/** Files are written beside their place and moved there; whoever is killed in between leaves the first half of that. */
const halfWritten = /\.(\d+)\.tmp$/

/** Takes away what processes left that are no more. */
export async function removeLeftovers({ disk, exec }: HostWorld, certificatesDir: string): Promise<void> {
  const folders = [
    paths.kubernetes,
    paths.manifests,
    paths.kubelet,
    paths.run,
    certificatesDir,
    `${certificatesDir}/etcd`,
  ]
  for (const folder of folders) {
    for (const name of await disk.list(folder)) {
      const pid = halfWritten.exec(name)?.[1]
      if (pid !== undefined && !exec.isAlive(Number(pid))) await disk.remove(`${folder}/${name}`)
    }
  }
}
