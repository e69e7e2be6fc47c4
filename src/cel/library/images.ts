/** References to images: `image('registry.k8s.io/pause:3.9').tag()`. */
import { type Library, member, overload } from '../declarations.ts'
import { Failure } from '../failure.ts'
import { bool, opaqueType, string } from '../types.ts'
import { Opaque } from '../values.ts'

const imageType = opaqueType('kubernetes.Image')

interface Reference {
  readonly registry: string
  readonly repository: string
  /** Empty when there is a digest. */
  readonly tag: string
  readonly digest: string
}

class Image extends Opaque {
  readonly typeName = imageType.name
  readonly reference: Reference

  constructor(reference: Reference) {
    super()
    this.reference = reference
  }

  override equals(other: Opaque): boolean {
    return other instanceof Image && String(other) === String(this)
  }

  override toString(): string {
    const { registry, repository, tag, digest } = this.reference
    return `${registry}/${repository}${digest === '' ? `:${tag}` : `@${digest}`}`
  }
}

const part = (id: string, read: (reference: Reference) => string) =>
  member(id, [imageType], string, ({ reference }: Image) => read(reference))

export const imageLibrary: Library = {
  types: { [imageType.name]: imageType },
  functions: {
    image: [overload('string_to_image', [string], imageType, toImage)],
    isImage: [overload('is_image_string', [string], bool, (text: string) => parse(text) !== undefined)],
    containsDigest: [
      member('image_contains_digest', [imageType], bool, ({ reference }: Image) => reference.digest !== ''),
    ],
    registry: [part('image_registry', ({ registry }) => registry)],
    repository: [part('image_repository', ({ repository }) => repository)],
    identifier: [part('image_identifier', ({ tag, digest }) => digest || tag)],
    tag: [part('image_tag', ({ tag }) => tag)],
    digest: [part('image_digest', ({ digest }) => digest)],
  },
}

function toImage(text: string): Image {
  const reference = parse(text)
  if (!reference) throw new Failure(`could not parse reference: ${text}`)
  return new Image(reference)
}

const defaultRegistry = 'index.docker.io'
const digestForm = /^sha256:[0-9a-f]{64}$/
const tagForm = /^[\w.-]{1,127}$/
const repositoryForm = /^[a-z0-9_-][a-z0-9_./-]*$/
const registryForm = /^[A-Za-z0-9._-]+(?::\d+)?$|^\[[0-9a-fA-F:]+\](?::\d+)?$/

/** Undefined for what is no reference. */
function parse(text: string): Reference | undefined {
  const [tagged, ...digests] = text.split('@')
  const [digest = ''] = digests
  if (digests.length > 1 || (digests.length === 1 && !digestForm.test(digest))) return undefined
  const colon = tagged!.lastIndexOf(':')
  // A colon before a slash belongs to the port of the registry.
  const hasTag = colon > tagged!.lastIndexOf('/')
  const name = hasTag ? tagged!.slice(0, colon) : tagged!
  const tag = hasTag ? tagged!.slice(colon + 1) : 'latest'
  const place = splitName(name)
  if (!place || !tagForm.test(tag)) return undefined
  return { ...place, tag: digest === '' ? tag : '', digest }
}

function splitName(name: string): { registry: string; repository: string } | undefined {
  const slash = name.indexOf('/')
  const first = name.slice(0, Math.max(slash, 0))
  const named = /[.:]/.test(first) || first === 'localhost'
  const registry = named ? first : defaultRegistry
  const path = named ? name.slice(slash + 1) : name
  if (!registryForm.test(registry) || !repositoryForm.test(path) || path.includes('//')) return undefined
  if (path.length < 2 || path.length > 255) return undefined
  const short = registry === defaultRegistry && !path.includes('/')
  return { registry, repository: short ? `library/${path}` : path }
}
