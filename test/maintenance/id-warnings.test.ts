import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { localClock } from '../../src/database/clock.ts';
import { tablesWithIds } from '../../src/database/readiness/probe.ts';
import { OperatorNotice } from '../../src/errors.ts';
import { startMaintenance } from '../../src/maintenance/maintenance.ts';
import { startApi } from '../support/api.ts';
import { openEmptyDatabase } from '../support/database.ts';
import { startIdsAfter } from '../support/ids.ts';

describe('ids', () => {
  it('are watched in each table that gets them from the database', () => {
    const schema = readFileSync('prisma/schema.prisma', 'utf8');
    const models = [...schema.matchAll(/^model (\w+) \{\n +id +BigInt +@id @default\(autoincrement\(\)\)/gm)];
    expect(models.map(([, name]) => name).sort()).toEqual(tablesWithIds.toSorted());
  });

  it('are told to the operator when most of them are used, once for each percent', async () => {
    const { config } = await startApi();
    const opened = await openEmptyDatabase();
    const told: Error[] = [];
    const report = (error: unknown) => void told.push(error as Error);
    const options = { report, firstRunAfterMs: 1, pauseMs: 1 };
    const maintenance = startMaintenance(opened.database, config, localClock, options);
    onTestFinished(() => maintenance.stop());
    for (const percent of [79n, 80n, 81n]) {
      await startIdsAfter(opened, (2n ** 63n * percent) / 100n + 1n);
      if (percent > 79n) await expect.poll(() => told.length).toBe(Number(percent - 79n) * tablesWithIds.length);
    }
    const rounds = vi.spyOn(opened.database.$probe, 'idUsage');
    await expect.poll(() => rounds.mock.calls.length).toBeGreaterThan(2);
    expect(told).toHaveLength(2 * tablesWithIds.length);
    expect(told[0]).toBeInstanceOf(OperatorNotice);
    expect(told.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^80 % of the ids of AuditEvent are used, and 18\d{17} are left\. /),
    );
    expect(told.map(({ message }) => message).join('\n')).not.toMatch(/^79 %/m);
  });
});
