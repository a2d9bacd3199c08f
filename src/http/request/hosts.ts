import type { Config } from '../../config/config.ts';

/** The loopback host, in the forms that browsers and programs use. */
const loopbackHosts = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Returns a check whether this server answers for a `Host` header. Names are compared without case and port.
 *
 * A page of another site can point its own name to the address of this server (DNS rebinding). Its browser then treats
 * both as one origin, and only the `Host` header shows the difference. Names below `localhost` are accepted like
 * `localhost` itself, because they cannot be registered (RFC 6761 section 6.3).
 */
export function hostCheck(config: Pick<Config, 'publicUrl' | 'allowedHosts' | 'allowsLoopbackHosts'>) {
  const names = new Set([config.publicUrl.hostname, ...config.allowedHosts]);
  if (config.allowsLoopbackHosts) for (const name of loopbackHosts) names.add(name);
  return (host: string | null | undefined): boolean => {
    if (!host) return false;
    const name = host.replace(/:\d+$/, '').toLowerCase();
    return names.has(name) || (config.allowsLoopbackHosts && name.endsWith('.localhost'));
  };
}
