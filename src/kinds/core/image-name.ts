/** Names of container images, as far as the API looks into them. */

const domainPart = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
const domain = `(?:${domainPart}(?:\\.${domainPart})*|\\[(?:[a-fA-F0-9:]+)\\])(?::[0-9]+)?`
const pathPart = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const tag = '[\\w][\\w.-]{0,127}'
const digest = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}'
const imageName = new RegExp(`^(?:(?:${domain})/)?${pathPart}(?:/${pathPart})*(?::(${tag}))?(?:@(${digest}))?$`)

/** `Always` for what is tagged, or meant, as latest; what is not the name of an image has no tag at all. */
export function pullPolicyOf(image: string): 'Always' | 'IfNotPresent' {
  const known = policies.get(image)
  if (known !== undefined) return known
  const policy = tagOf(image) === 'latest' ? 'Always' : 'IfNotPresent'
  if (policies.size > 1000) policies.clear()
  policies.set(image, policy)
  return policy
}

/** Whether an image could have this name (the grammar of the distribution project). */
export const isImageName = (image: string): boolean => imageName.test(image)

const policies = new Map<string, 'Always' | 'IfNotPresent'>()

/** Undefined for what is not the name of an image, and for a digest without a tag. */
function tagOf(image: string): string | undefined {
  const match = image.length > 512 || /^[a-f0-9]{64}$/.test(image) ? null : imageName.exec(image)
  if (!match) return undefined
  return match[1] ?? (match[2] === undefined ? 'latest' : undefined)
}
