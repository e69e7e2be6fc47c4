let lastSecond = Number.NaN
let lastText = ''

/** A moment (milliseconds since 1970) as the API writes times: RFC 3339, UTC, in whole seconds. */
export function secondsTime(ms: number): string {
  const second = Math.floor(ms / 1000)
  // Of the thousands that are asked for in a busy second all are the same.
  if (second !== lastSecond) {
    lastText = `${new Date(second * 1000).toISOString().slice(0, 19)}Z`
    lastSecond = second
  }
  return lastText
}
