import { dirname, isAbsolute, join } from 'node:path'
import { parse } from 'yaml'
import { type Clock, type Network, NetworkError, type OutgoingRequest } from '../world/world.ts'
import { SettingError } from './feature-gates.ts'

/** A kubeconfig file from which no webhook can be asked. */
export class WebhookConfigError extends SettingError {}

/** Where a webhook of the server's own configuration is, and what is shown to it. */
export interface WebhookTarget {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly tls: NonNullable<OutgoingRequest['tls']>
}

export type ReadFile = (path: string) => Promise<string | undefined>

/**
 * Reads the kubeconfig that names a webhook (`--authentication-token-webhook-config-file` and its like): its current
 * context. Certificates stand in it or in files that it names, relative to its own folder. Throws `WebhookConfigError`.
 */
export async function readWebhookTarget(path: string, readFile: ReadFile): Promise<WebhookTarget> {
  const text = await readFile(path)
  if (text === undefined) throw new WebhookConfigError(`${path}: no such file or directory`)
  const config = sectionOf(parseYaml(path, text))
  const context = named(config, 'contexts', 'context', textOf(config, 'current-context'))
  const cluster = named(config, 'clusters', 'cluster', textOf(context, 'cluster'))
  const user = named(config, 'users', 'user', textOf(context, 'user'))
  const url = textOf(cluster, 'server')
  if (url === '') throw new WebhookConfigError(`${path}: its current context names no server`)
  const content = (section: Section, name: string) => contentOf(section, name, dirname(path), readFile)
  const ca = await content(cluster, 'certificate-authority')
  const clientCertificate = await content(user, 'client-certificate')
  const clientKey = await content(user, 'client-key')
  const token = textOf(user, 'token') || ((await content(user, 'tokenFile')) ?? '').trim()
  const serverName = textOf(cluster, 'tls-server-name')
  return {
    url,
    headers: { ...jsonHeaders, ...authorizationOf(user, token) },
    tls: {
      ...(ca !== undefined && { ca }),
      ...(clientCertificate !== undefined && { clientCertificate }),
      ...(clientKey !== undefined && { clientKey }),
      ...(serverName !== '' && { serverName }),
      ...(cluster['insecure-skip-tls-verify'] === true && { skipServerVerification: true }),
    },
  }
}

const jsonHeaders = { accept: 'application/json', 'content-type': 'application/json' }

function authorizationOf(user: Section, token: string): Readonly<Record<string, string>> {
  if (token !== '') return { authorization: `Bearer ${token}` }
  const name = textOf(user, 'username')
  if (name === '') return {}
  return { authorization: `Basic ${Buffer.from(`${name}:${textOf(user, 'password')}`).toString('base64')}` }
}

type Section = Readonly<Record<string, unknown>>

function parseYaml(path: string, text: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    throw new WebhookConfigError(`${path}: ${(error as Error).message}`)
  }
}

const sectionOf = (value: unknown): Section => (typeof value === 'object' && value !== null ? (value as Section) : {})

const textOf = (section: Section, name: string): string => {
  const value = section[name]
  return typeof value === 'string' ? value : ''
}

/** The section of that name in a list; the only one where none is named. */
function named(config: Section, list: string, inner: string, name: string): Section {
  const all = Array.isArray(config[list]) ? (config[list] as unknown[]).map(sectionOf) : []
  const found = all.find((each) => each['name'] === name) ?? (name === '' && all.length === 1 ? all[0] : undefined)
  return sectionOf(found?.[inner])
}

async function contentOf(
  section: Section,
  name: string,
  folder: string,
  readFile: ReadFile,
): Promise<string | undefined> {
  const data = textOf(section, `${name}-data`)
  if (data !== '') return Buffer.from(data, 'base64').toString('utf8')
  const path = textOf(section, name)
  if (path === '') return undefined
  const text = await readFile(isAbsolute(path) ? path : join(folder, path))
  if (text === undefined) throw new WebhookConfigError(`${path}: no such file or directory`)
  return text
}

/** How a webhook of the server's configuration is asked. */
export interface WebhookAsking {
  readonly network: Network
  readonly clock: Clock
  /** For one try, in milliseconds. */
  readonly timeoutMs: number
  /** Waits between tries, in milliseconds; so many tries more than there are waits: one. */
  readonly backoffMs: readonly number[]
}

/** The reference's: half a second, then half as long again each time. */
export const usualBackoffMs: readonly number[] = [500, 750, 1125, 1688]

/** As much of an answer as is read. */
const answerBytes = 4 * 1024 * 1024

/**
 * Posts an object and gives the one that comes back. A webhook that cannot be reached, or that is in trouble (5xx, 429),
 * is asked again; what it says then, or why it could not be asked, is thrown.
 */
export async function askWebhook(target: WebhookTarget, question: object, asking: WebhookAsking): Promise<object> {
  const body = JSON.stringify(question)
  for (let attempt = 0; ; attempt++) {
    try {
      return await askOnce(target, body, asking)
    } catch (error) {
      const wait = asking.backoffMs[attempt]
      if (wait === undefined || !isPassing(error)) throw error
      await asking.clock.after(wait)
    }
  }
}

/** A connection that broke may hold next time; one that is refused, or that took too long, is told at once. */
const isPassing = (error: unknown) =>
  error instanceof NetworkError ? error.reason === 'lost' : error instanceof WebhookAnswerError && error.passing

/** A webhook that answered, and not with what it was asked for. */
class WebhookAnswerError extends Error {
  readonly passing: boolean

  constructor(message: string, passing: boolean) {
    super(message)
    this.passing = passing
  }
}

async function askOnce(target: WebhookTarget, body: string, { network, timeoutMs }: WebhookAsking): Promise<object> {
  const answer = await network.request({ ...target, method: 'POST', body, timeoutMs })
  const text = await answer.text(answerBytes)
  if (answer.status < 200 || answer.status > 299) {
    const passing = answer.status === 500 || answer.status === 504 || answer.status === 429
    throw new WebhookAnswerError(`the webhook answered ${answer.status}: ${text.slice(0, 200)}`, passing)
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new WebhookAnswerError('the webhook did not answer in JSON', false)
  }
  if (typeof value !== 'object' || value === null) throw new WebhookAnswerError('the webhook gave no object', false)
  return value
}
