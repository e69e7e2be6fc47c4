import type { Disk, HostWorld } from '../world/world.ts'

/** Folders of the running system: they are the kernel's, wherever the files of a host lie. */
const ofTheKernel = /^\/(proc|sys|dev)(\/|$)/

/** A host whose files lie below a folder (`--rootfs`): what is read and written is read and written there. */
export function rooted(world: HostWorld, root: string): HostWorld {
  const base = root.replace(/\/+$/, '')
  const inside = (path: string) => (ofTheKernel.test(path) ? path : base + path)
  const handler: ProxyHandler<Disk> = {
    get(disk, name) {
      const value = Reflect.get(disk, name) as unknown
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        const paths = name === 'rename' ? 2 : 1
        const moved = args.map((arg, index) => (index < paths && typeof arg === 'string' ? inside(arg) : arg))
        // A link's first argument is what it leads to, which stays as it is seen from inside.
        if (name === 'link') return Reflect.apply(value, disk, [args[0], inside(String(args[1]))])
        return Reflect.apply(value, disk, moved)
      }
    },
  }
  return { ...world, disk: new Proxy(world.disk, handler) }
}
