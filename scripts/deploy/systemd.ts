import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { run } from '../image/run.ts';

const name = 'graphql-sessions.service';

/** In tenths, from 0 to 100. systemd calls a service below 20 protected. */
const maxExposure = 20;

/** Lets systemd read the unit, and rate its exposure. */
export async function checkUnit(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-systemd-'));
  try {
    const unit = await readFile(join('deploy', name), 'utf8');
    const copy = join(folder, name);
    // systemd looks for the program, which need not be installed on this machine.
    await writeFile(copy, unit.replace(/^(ExecStart=)\S+/m, `$1${process.execPath}`));
    const { stdout, stderr } = await promisify(execFile)('systemd-analyze', ['verify', '--man=no', copy]);
    if (stdout + stderr !== '') throw new Error(stdout + stderr);
    const rating = await run('systemd-analyze', ['security', '--offline=yes', `--threshold=${maxExposure}`, copy]);
    return rating.trim().split('\n').at(-1)?.replace(/^\W+/, '') ?? '';
  } finally {
    await rm(folder, { recursive: true });
  }
}
