import { formatAddress } from './address.ts'
import type { BalancerConfiguration } from './configuration.ts'

/**
 * The same for haproxy (2.2 and later): TCP with TLS passed through, checks over TLS of the path, and connections of a
 * backend that is down cut so that clients come again.
 */
export function haproxyConfiguration(configuration: BalancerConfiguration): string {
  const { listen, backends, balance, check, connectTimeoutMs, halfOpenTimeoutMs, maxConnections } = configuration
  const trust = check.caFile === undefined ? 'verify none' : `verify required ca-file ${check.caFile}`
  const name = check.serverName === undefined ? '' : ` check-sni ${check.serverName} verifyhost ${check.serverName}`
  const tls = check.plain ? '' : ` check-ssl ${trust}${name}`
  return lines(
    '# API servers behind one address: haproxy -f FILE',
    'global',
    '    log stdout format raw local0 info',
    `    maxconn ${maxConnections}`,
    '    # Rather fewer connections than none, where the system allows not enough of them.',
    '    no strict-limits',
    '',
    'defaults',
    '    mode tcp',
    '    log global',
    '    option tcplog',
    '    option dontlognull',
    '    option clitcpka',
    '    option srvtcpka',
    '    option redispatch 1',
    '    retries 3',
    `    timeout connect ${connectTimeoutMs}ms`,
    `    timeout check ${check.timeoutMs}ms`,
    '    # Watches are silent for a long time.',
    '    timeout client 24h',
    '    timeout server 24h',
    `    timeout client-fin ${halfOpenTimeoutMs}ms`,
    `    timeout server-fin ${halfOpenTimeoutMs}ms`,
    '',
    'frontend kube-apiserver',
    `    bind ${listen.host === '' ? `:::${listen.port} v4v6` : formatAddress(listen)}`,
    '    default_backend kube-apiservers',
    '',
    'backend kube-apiservers',
    `    balance ${balance}`,
    '    option httpchk',
    `    http-check send meth GET uri ${check.path} ver HTTP/1.1 hdr Host kubernetes`,
    '    http-check expect status 200',
    `    default-server check${tls} inter ${check.intervalMs}ms fastinter ${check.intervalMs}ms downinter ${check.intervalMs}ms rise ${check.rise} fall ${check.fall} on-marked-down shutdown-sessions`,
    ...backends.map((backend, at) => `    server kube-apiserver-${at + 1} ${formatAddress(backend)}`),
  )
}

const lines = (...all: readonly string[]): string => all.map((line) => `${line}\n`).join('')
