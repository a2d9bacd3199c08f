import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { isAllowedAddress } from '../../src/webhooks/http/addresses.ts';
import { openSender } from '../../src/webhooks/http/send.ts';
import { urlProblem } from '../../src/webhooks/http/url.ts';
import {
  addEvents,
  addWebhook,
  onlyAdded,
  startReceiver,
  startWebhookApi,
  webhookWorker,
} from '../support/webhooks.ts';

const policyOf = (WEBHOOK_PRIVATE_NETWORKS: string) => readConfig({ WEBHOOK_PRIVATE_NETWORKS }).webhooks;
const none = policyOf('');

/** Addresses of every kind that is not public. */
const notPublic = [
  '0.0.0.0',
  '10.0.0.1',
  '100.64.0.1',
  '127.0.0.1',
  '127.255.255.255',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.1',
  '192.168.1.1',
  '198.18.0.1',
  '203.0.113.5',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:10.0.0.1',
  '::ffff:a9fe:a9fe',
  '0:0:0:0:0:ffff:7f00:1',
  '64:ff9b::7f00:1',
  '64:ff9b:1::a00:1',
  '2002:7f00:1::',
  '2001:0:7f00:1::',
  '2001:db8::1',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'fec0::1',
  'ff02::1',
  '100::1',
  '::127.0.0.1',
  '::a00:1',
  '4000::1',
];

describe('an address of a webhook', () => {
  it.each(notPublic)('is refused: %s', (address) => {
    for (const protocol of ['https:', 'http:']) expect(isAllowedAddress(address, protocol, none)).toBe(false);
    const host = address.includes(':') ? `[${address}]` : address;
    expect(urlProblem(`https://${host}/`, none)).toMatch(/must have a public address/);
  });

  it.each(['1.1.1.1', '172.32.0.1', '::ffff:1.1.1.1', '2606:4700::1111'])('is allowed over https: %s', (address) => {
    expect(isAllowedAddress(address, 'https:', none)).toBe(true);
    expect(isAllowedAddress(address, 'http:', none)).toBe(false);
  });

  it('is allowed in the networks of the operator, also over http, and in no other', () => {
    const policy = policyOf('10.0.3.0/24, ::1');
    const allowed = ['10.0.3.9', '10.0.4.9', '::1', '::ffff:10.0.3.9', '127.0.0.1', '169.254.169.254'].filter((one) =>
      isAllowedAddress(one, 'http:', policy),
    );
    expect(allowed).toEqual(['10.0.3.9', '::1', '::ffff:10.0.3.9']);
  });

  it.each(['0.0.0.0/0', '::/0', '10.0.0.0/33', 'localhost'])('cannot be in the network %s', (network) => {
    expect(() => policyOf(network)).toThrow(/WEBHOOK_PRIVATE_NETWORKS is "/);
  });
});

describe('the URL of a webhook', () => {
  it.each([
    ['http://example.com/', /must begin with https/],
    ['ftp://example.com/', /must begin with https/],
    ['file:///etc/passwd', /must begin with https/],
    ['example.com', /must begin with https/],
    ['https://user:secret@example.com/', /user name or a password/],
    ['https://user@example.com/', /user name or a password/],
    ['https://example.com/#x', /fragment/],
    [`https://example.com/${'a'.repeat(2_000)}`, /at most 2000 characters/],
    ['https://2130706433/', /public address/],
    ['https://0x7f.1/', /public address/],
    ['https://017700000001/', /public address/],
    ['https://127.1/', /public address/],
    ['https://[::ffff:127.0.0.1]/', /public address/],
    ['https://１２７.0.0.1/', /public address/],
  ])('is refused: %s', (url, problem) => {
    expect(urlProblem(url, none)).toMatch(problem);
  });

  it.each(['https://example.com/', 'https://example.com:8443/a?b=c', 'https://1.1.1.1/'])('is accepted: %s', (url) => {
    expect(urlProblem(url, none)).toBeNull();
  });
});

describe('a request to a webhook', () => {
  it('is not sent to a name that leads to this machine, and no connection is opened', async () => {
    let connections = 0;
    const server = createServer(() => {
      connections += 1;
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const sender = openSender(none);
    onTestFinished(() => sender.close());
    const refused = { status: null, retryAfterMs: null, error: 'NO_PUBLIC_ADDRESS' };
    for (const host of ['127.1', 'localhost', '127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', 'name.invalid']) {
      const sending = sender.post(`https://${host}:${port}/`, { headers: {}, body: '{}' }, new Date());
      expect([host, await sending]).toEqual([host, refused]);
    }
    const other = openSender(policyOf('10.0.0.0/8'));
    onTestFinished(() => other.close());
    for (const protocol of ['https', 'http']) {
      const sending = other.post(`${protocol}://localhost:${port}/`, { headers: {}, body: '{}' }, new Date());
      expect([protocol, await sending]).toEqual([protocol, refused]);
    }
    expect(connections).toBe(0);
  });

  it('is sent to such a name if the operator allows its network', async () => {
    const receiver = await startReceiver();
    const sender = openSender(policyOf('127.0.0.0/8'));
    onTestFinished(() => sender.close());
    const url = receiver.url.replace('127.0.0.1', 'localhost');
    expect(await sender.post(url, { headers: {}, body: '{}' }, new Date())).toMatchObject({ status: 204 });
  });

  it('is checked when it is sent, also if its URL was allowed when the webhook was created', async () => {
    const api = await startWebhookApi();
    const receiver = await startReceiver();
    await addWebhook(api, { url: receiver.url, ...onlyAdded });
    await addEvents(api, [1n]);
    api.config.webhooks = none;
    await webhookWorker(api).run();
    expect(receiver.received).toEqual([]);
    expect(await api.database.webhookDelivery.findFirstOrThrow()).toMatchObject({ lastError: 'NO_PUBLIC_ADDRESS' });
  });
});
