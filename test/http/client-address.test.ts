import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { clientAddress } from '../../src/http/request/client-address.ts';

const trusting = { TRUSTED_PROXIES: '10.0.0.0/8, 192.0.2.1, fd00::/8' };
const xff = readConfig(trusting).trustedProxies;
const forwarded = readConfig({ ...trusting, PROXY_HEADER: 'Forwarded' }).trustedProxies;

function from(peer: string | null, value?: string, proxies = xff): string | null {
  return clientAddress(peer, new Headers(value === undefined ? {} : { [proxies.header]: value }), proxies);
}

describe('client address', () => {
  it('is that of the connection if no proxy is trusted', () => {
    const proxies = readConfig({}).trustedProxies;
    expect(from('203.0.113.5', '198.51.100.1', proxies)).toBe('203.0.113.5');
    expect(from('10.0.0.1', '198.51.100.1', proxies)).toBe('10.0.0.1');
    expect(from(null, '198.51.100.1', proxies)).toBeNull();
  });

  it.each([
    ['10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['10.0.0.1', ' 198.51.100.1 ,10.9.9.9', '198.51.100.1'],
    ['10.0.0.1', '6.6.6.6, 198.51.100.1', '198.51.100.1'],
    ['10.0.0.1', '6.6.6.6, 198.51.100.1, 192.0.2.1', '198.51.100.1'],
    ['192.0.2.1', '198.51.100.1:4711', '198.51.100.1'],
    ['192.0.2.2', '198.51.100.1', '192.0.2.2'],
    ['::ffff:10.0.0.1', '2001:db8::1', '2001:db8::1'],
    ['fd12::1', '[2001:DB8::1]:443', '2001:db8::1'],
    ['10.0.0.1', '::ffff:198.51.100.1', '198.51.100.1'],
    ['10.0.0.1', '198.51.100.1, unknown', '10.0.0.1'],
    ['10.0.0.1', '198.51.100.1, ', '10.0.0.1'],
    ['10.0.0.1', '10.0.0.2, 10.0.0.3', '10.0.0.2'],
    ['10.0.0.1', '999.1.1.1', '10.0.0.1'],
    ['10.0.0.1', '', '10.0.0.1'],
  ])('is, from %s with X-Forwarded-For: %s, %s', (peer, value, expected) => {
    expect(from(peer, value)).toBe(expected);
  });

  it.each([
    ['for=198.51.100.1', '198.51.100.1'],
    ['For="[2001:db8::1]:4711";proto=https;by=10.0.0.9', '2001:db8::1'],
    ['for=6.6.6.6, proto=https;for=198.51.100.1:80', '198.51.100.1'],
    ['for=198.51.100.1, for=10.3.3.3', '198.51.100.1'],
    ['for=unknown', '10.0.0.1'],
    ['for=_hidden', '10.0.0.1'],
    ['by=198.51.100.1', '10.0.0.1'],
  ])('is, from a trusted proxy with Forwarded: %s, %s', (value, expected) => {
    expect(from('10.0.0.1', value, forwarded)).toBe(expected);
  });

  it('is never taken from the header that was not configured', () => {
    const headers = new Headers({ forwarded: 'for=198.51.100.1', 'x-forwarded-for': '203.0.113.5' });
    expect(clientAddress('10.0.0.1', headers, xff)).toBe('203.0.113.5');
    expect(clientAddress('10.0.0.1', headers, forwarded)).toBe('198.51.100.1');
  });
});
