const shortForms: readonly (readonly [mode: string, text: string])[] = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
]

/** `RWO,ROX`: the ways in which a volume can be mounted, each once. */
export function accessModesText(modes: readonly string[] = []): string {
  return shortForms
    .filter(([mode]) => modes.includes(mode))
    .map(([, text]) => text)
    .join(',')
}

export const accessModes: readonly string[] = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']
