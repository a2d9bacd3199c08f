/** @module-tag repeated */
import { parse, visit } from 'graphql';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { listen } from '../../src/http/server.ts';
import { startApi } from '../support/api.ts';
import { fuzzBytes } from '../support/fuzz-bytes.ts';
import { fuzzOperations } from '../support/fuzz-operations.ts';
import { operationOf, rootFields } from '../support/generated-operations.ts';
import { randomFrom } from '../support/random.ts';

/** `ATTACK_REQUESTS=200000` makes it a long run. */
const requests = inject('attackRequests');

/** The timeout, far longer than the test takes on a busy machine. */
const timeoutMs = 300_000 + requests * 50;

/** Makes runs repeatable: the requests depend only on their number. */
const seed = requests;

describe('fuzz operations', () => {
  it('use every field of the root types, also new ones', () => {
    const random = randomFrom(seed);
    const used = new Set<string>();
    for (let n = 0; n < 1_000; n += 1) {
      // `false` leaves out the selection of the field.
      visit(parse(operationOf(random).replaceAll('\\ud800', '')), {
        Field({ name }) {
          used.add(name.value);
          return false;
        },
      });
    }
    expect(rootFields().filter(({ field }) => !used.has(field.name))).toEqual([]);
  });
});

describe('server under requests of unusual clients', () => {
  it(
    'answers every operation, and none with a failure of its own',
    async () => {
      const api = await startApi({ attempts: { anonymousSessionsPerAddress: 1_000_000 } });
      const { statuses, problems } = await fuzzOperations(api, seed, requests);
      expect(problems).toEqual([]);
      expect(statuses.get(200)).toBeGreaterThan(requests / 5);
      expect(api.reported).toEqual([]);
    },
    timeoutMs,
  );

  it(
    'answers or ends every connection, with the protective headers in every answer',
    async () => {
      const api = await startApi();
      const server = await listen(api.app, { ...api.config, port: 0 });
      onTestFinished(() => server.stop());
      const { statuses, problems } = await fuzzBytes(server.port, seed, requests);
      expect(problems).toEqual([]);
      expect(statuses.get(200)).toBeGreaterThan(requests / 20);
      expect(statuses.get(400)).toBeGreaterThan(requests / 20);
      expect(await (await fetch(`http://127.0.0.1:${server.port}/health`)).text()).toBe('ok\n');
      expect(api.reported).toEqual([]);
    },
    timeoutMs,
  );
});
