import type { HostWorld } from '../../world/world.ts'
import { type Check, errorOf, fine, warningOf } from './check.ts'

/** What must not be there yet, and what must. */
const pathName = (path: string) => path.replaceAll('/', '-')

/** `expected` is what a file may hold all the same: it was written by us before something came in between. */
export function fileAvailable(path: string, expected?: string): Check {
  return {
    name: `FileAvailable-${pathName(path)}`,
    async run({ world: { disk } }) {
      const content = await disk.read(path)
      if (content === undefined || content === expected) return fine
      return errorOf(
        `${path} already exists`,
        'this host belongs to a cluster already: take it out with "coracle reset" first; or give the configuration that it was made with, to finish what was interrupted',
      )
    },
  }
}

/** `mayBeOurs` says whether what is in it was put there by what is being finished. */
export function dirAvailable(path: string, mayBeOurs: (world: HostWorld) => Promise<boolean>): Check {
  return {
    name: `DirAvailable-${pathName(path)}`,
    async run({ world }) {
      if ((await world.disk.list(path)).length === 0 || (await mayBeOurs(world))) return fine
      return errorOf(`${path} is not empty`, `"coracle reset" empties it; move it away to keep what is in it`)
    },
  }
}

export function fileExisting(path: string, label?: string): Check {
  return {
    name: label ?? `FileExisting-${pathName(path)}`,
    async run({ world: { disk } }) {
      return (await disk.stat(path)) ? fine : errorOf(`${path} doesn't exist`, 'copy it to this host')
    },
  }
}

/** A switch of the kernel that must be on. */
export function fileContent(path: string, content: string): Check {
  return {
    name: `FileContent-${pathName(path)}`,
    async run({ world: { disk } }) {
      const found = await disk.read(path).catch(() => undefined)
      const key = path.replace('/proc/sys/', '').replaceAll('/', '.')
      const mend = `sysctl -w ${key}=${content}, and the same line in /etc/sysctl.d/k8s.conf`
      if (found === undefined) return errorOf(`${path} does not exist`, mend)
      return found.startsWith(content) ? fine : errorOf(`${path} contents are not set to ${content}`, mend)
    },
  }
}

/** The same where the module that has the switch is loaded. */
export function contentWhereThere(path: string, content: string): Check {
  const check = fileContent(path, content)
  return {
    name: check.name,
    run: async (host) => ((await host.world.disk.stat(path)) ? check.run(host) : fine),
  }
}

/** A program that is needed, or would be good to have. */
export function inPath(program: string, mandatory: boolean, mend?: string): Check {
  return {
    name: `FileExisting-${pathName(program)}`,
    async run({ world: { exec } }) {
      if (await exec.which(program)) return fine
      const message = `${program} not found in system path`
      return mandatory ? errorOf(message, mend) : warningOf(message, mend)
    },
  }
}
