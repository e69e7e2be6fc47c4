import { formatAddress } from './address.ts'
import type { BalancerConfiguration } from './configuration.ts'

/**
 * The same for nginx with its stream module. It has no checks of its own in the free edition: a backend that cannot be
 * connected to is left out for a while, and one that hangs while connected to is not noticed.
 */
export function nginxConfiguration(configuration: BalancerConfiguration): string {
  const { listen, backends, balance, check, connectTimeoutMs, maxConnections, maxConnectionsPerClient } = configuration
  const failSeconds = Math.max(1, Math.ceil((check.intervalMs * check.rise) / 1000))
  const limit = maxConnectionsPerClient > 0
  const text = [
    '# API servers behind one address: nginx -c FILE',
    '# Debian and Ubuntu: apt-get install nginx libnginx-mod-stream',
    'load_module modules/ngx_stream_module.so;',
    'worker_processes auto;',
    'pid /run/nginx.pid;',
    'error_log /var/log/nginx/error.log warn;',
    '',
    'events {',
    `    worker_connections ${maxConnections};`,
    '}',
    '',
    'stream {',
    ...(limit ? ['    limit_conn_zone $binary_remote_addr zone=clients:10m;', ''] : []),
    '    upstream kube-apiservers {',
    ...(balance === 'leastconn' ? ['        least_conn;'] : []),
    ...backends.map(
      (backend) => `        server ${formatAddress(backend)} max_fails=${check.fall} fail_timeout=${failSeconds}s;`,
    ),
    '    }',
    '',
    '    server {',
    ...(listen.host === ''
      ? [`        listen ${listen.port} so_keepalive=on;`, `        listen [::]:${listen.port} so_keepalive=on;`]
      : [`        listen ${formatAddress(listen)} so_keepalive=on;`]),
    '        proxy_pass kube-apiservers;',
    `        proxy_connect_timeout ${connectTimeoutMs}ms;`,
    '        # Watches are silent for a long time.',
    '        proxy_timeout 24h;',
    '        proxy_socket_keepalive on;',
    '        proxy_next_upstream on;',
    ...(limit ? [`        limit_conn clients ${maxConnectionsPerClient};`] : []),
    '    }',
    '}',
  ]
  return `${text.join('\n')}\n`
}
