import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { OperatorNotice } from '../../src/errors.ts';
import { toIncoming } from '../../src/http/fetch.ts';
import { newRequestFacts } from '../../src/log/request-facts.ts';
import { warnAboutSettings, watchForProxy } from '../../src/server/warnings.ts';

const production = { NODE_ENV: 'production', PUBLIC_URL: 'https://accounts.example.com' };

/** Returns a report that keeps the messages of warnings. */
function collect() {
  const messages: string[] = [];
  const report = (error: unknown) => {
    expect(error).toBeInstanceOf(OperatorNotice);
    messages.push(String((error as OperatorNotice).message));
  };
  return { messages, report };
}

describe('warning in production', () => {
  it('is given for mail that goes to files', () => {
    const { messages, report } = collect();
    warnAboutSettings(readConfig({}), report);
    warnAboutSettings(readConfig({ ...production, SMTP_URL: 'smtps://mail.example.com' }), report);
    expect(messages).toEqual([]);
    warnAboutSettings(readConfig(production), report);
    expect(messages).toEqual(['SMTP_URL is not set: mail is written to files in data/mail, and nobody receives it.']);
  });

  /** Sends requests from these addresses, in turn. Returns the warnings. */
  function warningsFor(env: Record<string, string>, peers: string[], { count = 3_000, path = '/graphql' } = {}) {
    const { messages, report } = collect();
    const observe = watchForProxy(readConfig(env), report);
    for (let n = 0; n < count; n += 1) {
      const request = new Request(`https://accounts.example.com${path}`);
      observe?.(toIncoming(request, peers[n % peers.length] ?? null), newRequestFacts('none'));
    }
    return messages;
  }

  it.each(['10.0.0.1', '172.31.0.1', '192.168.1.1', '127.0.0.1', '::1', 'fd00::1', '::ffff:10.0.0.1'])(
    'is given once if all requests come from %s without a trusted proxy',
    (peer) => {
      expect(warningsFor(production, [peer])).toEqual([
        expect.stringMatching(/^All of the first 1000 requests came from .*set TRUSTED_PROXIES/),
      ]);
    },
  );

  it('is not given for other addresses, few requests, probes, a trusted proxy, and elsewhere', () => {
    expect(warningsFor(production, ['203.0.113.1'])).toEqual([]);
    expect(warningsFor(production, ['2001:db8::1'])).toEqual([]);
    expect(warningsFor(production, ['10.0.0.1', '10.0.0.2'])).toEqual([]);
    expect(warningsFor(production, ['10.0.0.1'], { count: 999 })).toEqual([]);
    expect(warningsFor(production, ['10.0.0.1'], { path: '/ready' })).toEqual([]);
    expect(warningsFor({ ...production, TRUSTED_PROXIES: '10.0.0.0/8' }, ['10.0.0.1'])).toEqual([]);
    expect(warningsFor({}, ['10.0.0.1'])).toEqual([]);
  });
});
