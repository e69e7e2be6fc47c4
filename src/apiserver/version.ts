/** What `/version` answers. The build facts of a program that is not built are constants. */
export interface VersionInfo {
  readonly major: string
  readonly minor: string
  readonly [fact: string]: string
}

/** Takes the version that the server presents: `v1.36.2`. */
export function versionInfo(gitVersion: string): VersionInfo {
  const [, major = '1', minor = '0'] = /^v?(\d+)\.(\d+)/.exec(gitVersion) ?? []
  return {
    major,
    minor,
    emulationMajor: major,
    emulationMinor: minor,
    minCompatibilityMajor: major,
    minCompatibilityMinor: String(Math.max(0, Number(minor) - 1)),
    gitVersion,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: 'go1.26.0',
    compiler: 'gc',
    platform: 'linux/amd64',
  }
}
