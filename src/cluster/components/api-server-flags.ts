import { accessFlags } from '../serve.ts'
import { type ComponentFlags, commonFlags } from './flags.ts'

const booleans: ReadonlySet<string> = new Set([
  'anonymous-auth',
  'enable-bootstrap-token-auth',
  'encryption-provider-config-automatic-reload',
  'enable-priority-and-fairness',
])

const ofAccess: ComponentFlags = Object.fromEntries(
  Object.entries(accessFlags).map(([name, help]) => [name, { help, ...(booleans.has(name) && { type: 'boolean' }) }]),
)

const noKubeletTls = 'nodes are asked by the authorities below'

/** kube-apiserver's flags. */
export const apiServerFlags: ComponentFlags = {
  ...commonFlags,
  ...ofAccess,
  // Where things lie.
  'etcd-servers': { help: 'URLs of etcd, with commas between; absent: an own store in --data-dir' },
  'etcd-cafile': { help: 'authority of etcd' },
  'etcd-certfile': { help: 'certificate for etcd' },
  'etcd-keyfile': { help: 'its key' },
  'etcd-prefix': { help: 'where in etcd objects lie', usual: '/registry' },
  'storage-backend': { help: 'kind of store: etcd3' },
  'data-dir': { help: 'where the own store lies, when there is no etcd' },
  'etcd-listen-client-url': { help: "serve etcd's protocol on the own store there: http on loopback, https elsewhere" },
  'etcd-cert-file': { help: "certificate for etcd's protocol" },
  'etcd-key-file': { help: 'its key' },
  'etcd-trusted-ca-file': { help: "authority whose certificates etcd's clients must show" },
  // How it is reached.
  'bind-address': { help: 'address to listen on', usual: '0.0.0.0' },
  'secure-port': { help: 'port to listen on', usual: '6443' },
  'advertise-address': { help: 'address under which others reach this server; absent: the first of the host' },
  'tls-cert-file': { help: 'certificate of the server' },
  'tls-private-key-file': { help: 'its key' },
  'client-ca-file': { help: 'authorities of client certificates' },
  'external-hostname': { help: 'name for addresses that are given out' },
  'endpoint-reconciler-type': {
    help: 'who keeps the endpoints of the service kubernetes: lease or none',
    usual: 'lease',
  },
  'apiserver-count': { help: 'number of API servers', without: 'each is known by its lease' },
  'shutdown-delay-duration': { help: 'how long it goes on to serve when it is asked to stop', usual: '0s' },
  // Tokens of service accounts.
  'service-account-issuer': {
    help: 'who signs tokens of service accounts',
    usual: 'https://kubernetes.default.svc.cluster.local',
  },
  'service-account-signing-key-file': { help: 'key that signs them' },
  'api-audiences': { help: 'for whom tokens must be; absent: the issuer' },
  'token-auth-file': { help: 'CSV of bearer tokens: token,user,uid,"group1,group2"' },
  // Services.
  'service-cluster-ip-range': { help: 'where services get their addresses from', usual: '10.96.0.0/12' },
  'service-node-port-range': { help: 'ports that nodes open for services', usual: '30000-32767' },
  // Others.
  'proxy-client-cert-file': { help: 'certificate that aggregated servers are shown' },
  'proxy-client-key-file': { help: 'its key' },
  'kubelet-client-certificate': { help: 'certificate that nodes are shown' },
  'kubelet-client-key': { help: 'its key' },
  'kubelet-certificate-authority': { help: 'authority of nodes', without: noKubeletTls },
  'kubelet-preferred-address-types': { help: 'which address of a node is asked', without: 'nodes have one each' },
  'kubelet-timeout': { help: 'how long nodes are waited for', without: 'as long as the request is' },
  'allow-privileged': {
    help: 'whether privileged pods are let in',
    type: 'boolean',
    without: 'PodSecurity says who may',
  },
  'runtime-config': { help: 'which API versions are served: batch/v1=false,api/beta=false' },
  'request-timeout': {
    help: 'how long a request may take',
    usual: '1m0s',
    without: 'a minute, or less as the request says',
  },
  'min-request-timeout': { help: 'how long watches last at least', without: 'they last until somebody ends them' },
  'enable-aggregator-routing': {
    help: 'whether aggregated servers are asked by their endpoints',
    type: 'boolean',
    without: 'they are',
  },
  'goaway-chance': {
    help: 'how often a client is told to connect anew',
    without: 'connections are spread when they are made',
  },
  'enable-garbage-collector': { help: 'whether owners count', type: 'boolean', without: 'they do' },
  'watch-cache': { help: 'whether watches have a cache', type: 'boolean', without: 'all are served from memory' },
  'watch-cache-sizes': { help: 'sizes of caches', without: 'all are served from memory' },
  'default-watch-cache-size': { help: 'size of caches', without: 'all are served from memory' },
  'event-ttl': { help: 'how long events are kept', usual: '1h0m0s', without: 'an hour' },
  'etcd-compaction-interval': { help: 'how often etcd is compacted', usual: '5m0s' },
  'tls-min-version': { help: 'least version of TLS', without: 'TLS 1.2' },
  'tls-cipher-suites': { help: 'ciphers of TLS', without: 'those that the runtime holds to be safe' },
  'cert-dir': {
    help: 'where certificates are made when none is given',
    usual: '/var/run/kubernetes',
    without: 'they are not kept',
  },
}
