import { ConfigMap } from '../../kinds/core/config-map.ts'
import { equalJson } from '../../schema/freeze.ts'
import type { ApiObject } from '../../schema/kind.ts'
import { isNotFound } from '../../schema/status.ts'
import { create, object } from '../bootstrap-objects.ts'
import { serverContext } from '../context.ts'
import type { Resource } from '../resource.ts'
import type { FrontProxy } from './remote.ts'

const namespace = 'kube-system'
const name = 'extension-apiserver-authentication'

/**
 * Tells aggregated servers whom to believe: who signs the certificates of clients, who that of the front proxy, and in
 * which headers the front proxy says for whom it asks. What others have put there besides stays.
 * @param clientAuthority PEM of the authority that signs clients' certificates
 */
export async function publishAuthentication(
  configMaps: Resource<ConfigMap>,
  frontProxy: FrontProxy,
  clientAuthority: string | undefined,
): Promise<void> {
  const told = {
    ...(clientAuthority !== undefined && { 'client-ca-file': clientAuthority }),
    'requestheader-allowed-names': '["front-proxy-client"]',
    'requestheader-client-ca-file': frontProxy.authority,
    'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
    'requestheader-group-headers': '["X-Remote-Group"]',
    'requestheader-uid-headers': '["X-Remote-Uid"]',
    'requestheader-username-headers': '["X-Remote-User"]',
  }
  const change = (current: ConfigMap | undefined) => {
    const data = { ...current!.data, ...told }
    return (equalJson(data, current!.data) ? current : { ...current, data }) as ApiObject
  }
  const publish = () => configMaps.update(namespace, name, '', change, serverContext)
  try {
    await publish()
  } catch (error) {
    if (!isNotFound(error)) throw error
    await create(configMaps, object(ConfigMap, name, { data: told }, { namespace }))
    // Another API server may be starting beside this one, and have been first.
    await publish()
  }
}
