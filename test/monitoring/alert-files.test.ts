/** @module-tag slow/process */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { dashboardJson } from '../../scripts/dashboard/dashboard.ts';
import { rows } from '../../scripts/dashboard/panels.ts';
import { localClock } from '../../src/database/clock.ts';
import { openMetrics } from '../../src/monitoring/metrics/metrics.ts';
import { openEmptyDatabase, temporaryFolder } from '../support/database.ts';
import { freePort } from '../support/ports.ts';
import { alertNames, hasPromtool, promtool, rulesFile } from '../support/promtool.ts';

const dashboardFile = 'deploy/monitoring/dashboard.json';

const panelExpressions = rows
  .flatMap(({ panels }) => panels)
  .flatMap(({ queries }) => queries.map(([expression]) => expression.replaceAll('$__rate_interval', '5m')));

/** Returns the names of the series that a real scrape can have, also of those without a value yet. */
async function namesInScrape(): Promise<Set<string>> {
  const { database } = await openEmptyDatabase();
  const policy = { host: '127.0.0.1', port: await freePort() };
  const metrics = openMetrics(policy, database, localClock);
  onTestFinished(() => metrics.stop());
  await metrics.listen();
  const text = await (await fetch(`http://127.0.0.1:${policy.port}/metrics`)).text();
  const types = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)];
  return new Set(
    types.flatMap(([, name = '', type]) => (type === 'histogram' ? [`${name}_count`, `${name}_bucket`] : [name])),
  );
}

describe('the files for monitoring', () => {
  it.skipIf(!hasPromtool)('are valid: the rules, and every expression of the dashboard', async () => {
    const checked = await promtool(['check', 'rules', rulesFile]);
    expect(checked).toEqual({ isDone: true, output: expect.stringMatching(/SUCCESS: \d+ rules found/) });
    const file = join(await temporaryFolder(), 'rules.json');
    const rules = panelExpressions.map((expr, n) => ({ record: `panel:${n}`, expr }));
    await writeFile(file, JSON.stringify({ groups: [{ name: 'panels', rules }] }));
    const parsed = await promtool(['check', 'rules', file]);
    expect(parsed.output).toContain(`SUCCESS: ${rules.length} rules found`);
  });

  it('name only series that the server has', async () => {
    const names = await namesInScrape();
    const rules = await readFile(rulesFile, 'utf8');
    const used = `${panelExpressions.join('\n')}\n${rules}`.match(/\b(graphql_sessions|process|nodejs)_\w+/g) ?? [];
    expect(used.length).toBeGreaterThan(60);
    expect([...new Set(used)].filter((name) => !names.has(name))).toEqual([]);
  });

  it('have an entry in the runbook for each alert, in their order, and each rule names its own', async () => {
    const rules = await readFile(rulesFile, 'utf8');
    const runbook = await readFile('docs/runbook.md', 'utf8');
    const names = await alertNames();
    expect([...runbook.matchAll(/^## (Sessions\w+)$/gm)].map(([, name]) => name)).toEqual(names);
    const listed = await readFile('docs/monitoring.md', 'utf8');
    expect([...listed.matchAll(/^\| \[(Sessions\w+)\]\(runbook\.md#/gm)].map(([, name]) => name)).toEqual(names);
    for (const [n, rule] of rules.split('- alert: ').slice(1).entries()) {
      expect(rule).toMatch(/^ +for: \d+m$/m);
      expect(rule).toMatch(/severity: (critical|warning)/);
      expect(rule).toMatch(/^ +summary: [A-Z].*\.$/m);
      expect(rule).toMatch(/^ +description: "[A-Z{].*\."$/m);
      expect(rule).toContain(`runbook: docs/runbook.md#${names[n]?.toLowerCase()}\n`);
    }
  });

  it('have a dashboard that is up to date: `npm run print-dashboard` writes it', async () => {
    expect(await readFile(dashboardFile, 'utf8')).toBe(dashboardJson());
    const { uid, panels } = JSON.parse(dashboardJson());
    expect(uid).toBe('graphql-sessions');
    expect(new Set(panels.map(({ id }: { id: number }) => id)).size).toBe(panels.length);
  });
});
