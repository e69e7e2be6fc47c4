import { type ApiObject, apiVersionOf, type Kind } from '../../schema/kind.ts'
import { ApiError, type Status } from '../../schema/status.ts'
import type { RequestContext } from '../context.ts'
import { readRequestInfo } from '../request-info.ts'
import type { Resource } from '../resource.ts'
import type { Audit } from './audit.ts'

/** One write from within this process. */
interface Write {
  readonly method: 'POST' | 'PUT' | 'DELETE'
  readonly kind: Kind
  readonly namespace: string
  readonly name: string
  readonly subresource: string
  readonly context: RequestContext
}

type LocalWrites<T extends ApiObject> = Pick<Resource<T>, 'get' | 'list' | 'watch' | 'create' | 'update' | 'delete'>

/**
 * A resource whose writes are written down as those that come over the network are: the reference's controllers come
 * over HTTPS, and a record of who changed what would be worth little without them. Reads within the process are not.
 */
export function auditedWrites<T extends ApiObject>(audit: Audit, kind: Kind<T>, resource: Resource<T>): LocalWrites<T> {
  const about = (method: Write['method'], namespace: string, name: string, context: RequestContext): Write => {
    return { method, kind: kind as Kind, namespace, name, subresource: '', context }
  }
  return {
    get: (...parameters) => resource.get(...parameters),
    list: (...parameters) => resource.list(...parameters),
    watch: (...parameters) => resource.watch(...parameters),
    create(namespace, object, context, options) {
      const write = about('POST', namespace, '', context)
      return auditedWrite(audit, write, () => resource.create(namespace, object, context, options), {
        sent: () => object,
        answer: (entry) => entry.object,
        code: () => 201,
      })
    },
    update(namespace, name, subresource, change, context, options) {
      const write = { ...about('PUT', namespace, name, context), subresource }
      let sent: unknown
      const noted: typeof change = async (current) => {
        const changed = await change(current)
        sent = changed
        return changed
      }
      return auditedWrite(audit, write, () => resource.update(namespace, name, subresource, noted, context, options), {
        sent: () => sent,
        answer: ({ entry }) => entry.object,
        code: ({ created }) => (created ? 201 : 200),
      })
    },
    delete(namespace, name, options, context) {
      const write = about('DELETE', namespace, name, context)
      return auditedWrite(audit, write, () => resource.delete(namespace, name, options, context), {
        sent: () => ({ kind: 'DeleteOptions', apiVersion: 'v1', ...options }),
        answer: () => undefined,
        code: () => 200,
      })
    },
  }
}

interface Told<R> {
  readonly sent: () => unknown
  readonly answer: (result: R) => unknown
  readonly code: (result: R) => number
}

/** Runs a write and writes down what became of it. */
export async function auditedWrite<R>(
  audit: Audit,
  { context, ...write }: Write,
  run: () => Promise<R>,
  { sent, answer, code }: Told<R>,
): Promise<R> {
  const body = () => Promise.resolve(Buffer.from(JSON.stringify(sent()) ?? ''))
  const url = pathOf(write)
  const record = audit.begin(
    {
      ...{ method: write.method, url, body, signal: context.signal, remoteAddress: '127.0.0.1' },
      headers: { 'user-agent': context.userAgent },
    },
    readRequestInfo(write.method, url),
    context.user,
  )
  if (record === undefined) return run()
  const complete = async (status: number, value: unknown) => {
    if (record.request.body !== body) await record.request.body(0)
    record.answered({ status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) ?? '' })
  }
  try {
    const result = await run()
    await complete(code(result), answer(result))
    return result
  } catch (error) {
    const status: Status | undefined = error instanceof ApiError ? error.toStatus() : undefined
    await complete(status?.code ?? 500, status)
    throw error
  }
}

function pathOf({ kind, namespace, name, subresource }: Omit<Write, 'context'>): string {
  const root = `${kind.group === '' ? '/api' : '/apis'}/${apiVersionOf(kind)}`
  const within = kind.namespaced && namespace !== '' ? ['namespaces', namespace] : []
  const parts = [...within, kind.plural, name, subresource].filter((part) => part !== '')
  return [root, ...parts.map(encodeURIComponent)].join('/')
}
