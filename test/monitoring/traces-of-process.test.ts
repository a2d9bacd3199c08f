/** @module-tag slow/process */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fetchOver } from '../support/api.ts';
import { emptyDatabase, temporaryFolder } from '../support/database.ts';
import { startReceiver } from '../support/otlp.ts';
import { runNode, startServer } from '../support/process.ts';

describe('traces of a server', () => {
  it('load their library only if there is an endpoint', async () => {
    const probe = join(await temporaryFolder(), 'probe.mjs');
    await writeFile(
      probe,
      `import { registerHooks } from 'node:module';
      let isLoaded = false;
      registerHooks({
        resolve(specifier, context, next) {
          isLoaded ||= specifier.startsWith('@opentelemetry/');
          return next(specifier, context);
        },
      });
      process.on('exit', () => console.log('Library', isLoaded));`,
    );
    const loaded = async (env: Record<string, string>) => {
      const server = await startServer(await emptyDatabase(), { NODE_OPTIONS: `--import ${probe}`, ...env });
      server.child.kill('SIGTERM');
      return /^Library (.*)$/m.exec((await server.ended).stdout)?.[1];
    };
    expect(await loaded({ OTEL_SERVICE_NAME: 'accounts' })).toBe('false');
    expect(await loaded({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' })).toBe('true');
  });

  it('have their ids in the log', async () => {
    const receiver = await startReceiver();
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, LOG_FORMAT: 'json' };
    const server = await startServer(await emptyDatabase(), env);
    await fetchOver(server.address, '{ __typename }');
    server.child.kill('SIGTERM');
    const { code, stdout } = await server.ended;
    expect(code).toBe(0);
    const [span] = receiver.spans;
    expect(span?.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(stdout).toContain(
      `"requestId":"${span?.attributes['graphql_sessions.request.id']}","traceId":"${span?.traceId}"`,
    );
  });

  it('stop the start with a sentence if a variable is wrong', async () => {
    const env = { DATABASE_URL: await emptyDatabase(), PORT: '0', OTEL_EXPORTER_OTLP_ENDPOINT: 'localhost:4317' };
    const { code, stderr } = await runNode('src/main.ts', [], env).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^OTEL_EXPORTER_OTLP_ENDPOINT is "localhost:4317", but it must be an http or https URL/);
  });
});
