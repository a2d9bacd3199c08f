import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { OperatorNotice } from '../../src/errors.ts';
import { toIncoming } from '../../src/http/fetch.ts';
import { newRequestFacts } from '../../src/log/request-facts.ts';
import { maxThreads } from '../../src/passwords/hashing-pool.ts';
import { warnAboutSettings, watchForProxy } from '../../src/server/warnings.ts';
import { emptyDatabase } from '../support/database.ts';
import { runNode } from '../support/process.ts';

const production = { NODE_ENV: 'production', PUBLIC_URL: 'https://accounts.example.com' };

const MB = 1024 * 1024;
const ample = { heapBytes: 4_096 * MB, processBytes: null };

/** Returns a report that keeps the messages of warnings. */
function collect() {
  const messages: string[] = [];
  const report = (error: unknown) => {
    expect(error).toBeInstanceOf(OperatorNotice);
    messages.push(String((error as OperatorNotice).message));
  };
  return { messages, report };
}

describe('warning', () => {
  it('is given if gateways could execute nothing', () => {
    const documents = { TRUSTED_DOCUMENTS: 'documents.json', TRUSTED_DOCUMENTS_MODE: 'only' };
    const { messages, report } = collect();
    warnAboutSettings(readConfig({ FEDERATION: 'true', ...documents, TRUSTED_DOCUMENTS_MODE: 'report' }), report);
    warnAboutSettings(readConfig(documents), report);
    expect(messages).toEqual([]);
    warnAboutSettings(readConfig({ FEDERATION: 'true', ...documents }), report);
    expect(messages).toEqual([expect.stringMatching(/^FEDERATION is true, and TRUSTED_DOCUMENTS_MODE is only: /)]);
  });
});

describe('warning in production', () => {
  it('is given for mail that goes to files', () => {
    const { messages, report } = collect();
    warnAboutSettings(readConfig({}), report, ample);
    warnAboutSettings(readConfig({ ...production, SMTP_URL: 'smtps://mail.example.com' }), report, ample);
    expect(messages).toEqual([]);
    warnAboutSettings(readConfig(production), report, ample);
    expect(messages).toEqual(['SMTP_URL is not set: mail is written to files in data/mail, and nobody receives it.']);
  });

  describe('about memory', () => {
    const settings = { ...production, SMTP_URL: 'smtps://mail.example.com' };

    /** Returns the warnings for limits in MB. */
    function warningsIn(heap: number, limit: number | null, env: Record<string, string> = {}) {
      const { messages, report } = collect();
      const memory = { heapBytes: heap * MB, processBytes: limit === null ? null : limit * MB };
      warnAboutSettings(readConfig({ ...settings, ...env }), report, memory);
      return messages;
    }

    it('is given for a heap that is smaller than the one that is tested', () => {
      expect(warningsIn(304, null)).toEqual([]);
      expect(warningsIn(288, null)).toEqual([
        'The heap may grow to 288 MB only, but a server under load needs 304 MB. Start Node with ' +
          '--max-old-space-size=256 or more, for example in NODE_OPTIONS.',
      ]);
      const { messages, report } = collect();
      warnAboutSettings(readConfig({}), report, { heapBytes: MB, processBytes: MB });
      expect(messages).toEqual([]);
    });

    it('is given for a container with less than the heap and the memory beside it', () => {
      // Hashing takes 31 MB per thread, and there is one for each processor but one.
      const hashing = maxThreads * 31;
      expect(warningsIn(304, 304 + 160 + hashing)).toEqual([]);
      expect(warningsIn(304, 304 + 159 + hashing)).toEqual([
        expect.stringMatching(
          /^The memory limit .* besides\. The system may kill it\. Raise the limit to \d+ MB, and start Node with --max-semi-space-size=16 --max-old-space-size=256\.$/,
        ),
      ]);
      expect(warningsIn(4_144, 1_000 + 160 + hashing)).toEqual([
        expect.stringMatching(/Start Node with --max-semi-space-size=16 --max-old-space-size=952\.$/),
      ]);
    });

    it('counts the cost of hashing and the connections', () => {
      const limit = 304 + 160 + maxThreads * 31;
      expect(warningsIn(304, limit, { ARGON2_MEMORY_KIB: '65536' })).toHaveLength(1);
      expect(warningsIn(304, limit, { DATABASE_URL: 'postgresql://db/app', DATABASE_POOL_SIZE: '20' })).toHaveLength(1);
    });

    it('is logged by a server that starts with a small heap', { tags: ['slow/process'] }, async () => {
      const env = {
        ...production,
        NODE_OPTIONS: '--max-old-space-size=80',
        DATABASE_URL: await emptyDatabase(),
        PORT: '0',
      };
      const server = runNode('src/main.ts', [], env);
      const [, limit] = await server.until(/The heap may grow to (\d+) MB only, .*--max-old-space-size=256/);
      expect(Number(limit)).toBeGreaterThanOrEqual(80);
      server.child.kill('SIGTERM');
      expect((await server.ended).code).toBe(0);
    });
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
