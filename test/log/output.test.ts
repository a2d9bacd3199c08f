import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import type { LogFormat } from '../../src/log/log.ts';

/** Runs a script that has an open log, and returns its lines. Reads nothing before the script has written all. */
async function run(script: string): Promise<{ msg: string; lines?: number }[]> {
  const text = await printedBy('json', script);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

async function printedBy(format: LogFormat, script: string): Promise<string> {
  const code = `import { openLog } from './src/log/log.ts';
    const log = openLog('info', '${format}');
    ${script}
    process.stderr.write('written');
    await log.flush();
    process.exit(0);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'pipe' });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stderr, 'data');
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  await once(child, 'close');
  return text;
}

it('lines that were written before the end are all there', async () => {
  const lines = await run("for (let n = 0; n < 5_000; n += 1) log.info('A line');");
  expect(lines).toHaveLength(5_000);
});

it('lines of text beyond 8 MB that nobody reads are lost', async () => {
  const text = await printedBy('text', "for (let n = 0; n < 30; n += 1) log.info('x'.repeat(1024 * 1024));");
  const lines = text.trimEnd().split('\n').length;
  expect(lines).toBeGreaterThanOrEqual(8);
  expect(lines).toBeLessThanOrEqual(10);
});

it('lines beyond 8 MB that nobody reads are lost, and counted', async () => {
  const lines = await run("for (let n = 0; n < 12; n += 1) log.info('x'.repeat(1024 * 1024));");
  const [lost] = lines.filter(({ msg }) => msg === 'Lost lines');
  expect(lost?.lines).toBeGreaterThanOrEqual(4);
  expect(lines.length - 1 + (lost?.lines ?? 0)).toBe(12);
});
