import { existsSync } from 'node:fs';

/** The path of an installed Chromium or Chrome. Undefined without one. */
export const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
);

const quiet = [
  'disable-background-networking',
  'disable-component-update',
  'disable-sync',
  'disable-quic',
  'no-first-run',
];

/** Returns how the installed browser is started, with further flags. */
export function launchOptions(flags: string[] = []) {
  const args = ['--no-sandbox', '--disable-gpu', ...quiet.map((flag) => `--${flag}`), ...flags];
  return { executablePath: browserPath ?? '', args };
}
