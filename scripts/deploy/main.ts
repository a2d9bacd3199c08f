/**
 * Checks the files of deploy/ with the validators of their own tools, and the image for another processor:
 * `npm run check:deploy`, or `npm run check:deploy compose kubernetes` for some of it. The tests run the image itself
 * and the proxies.
 */
import { checkCompose } from './compose.ts';
import { checkForeignImage } from './foreign-image.ts';
import { checkKubernetes } from './kubernetes.ts';
import { checkUnit } from './systemd.ts';

/** Each returns one line on what it has found, and throws if it fails. */
const checks: Record<string, () => Promise<string>> = {
  systemd: checkUnit,
  compose: checkCompose,
  kubernetes: checkKubernetes,
  'foreign-image': checkForeignImage,
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in checks));
if (unknown.length > 0) {
  console.error(`There is no check ${unknown.join(', ')}. There are: ${Object.keys(checks).join(', ')}.`);
  process.exit(1);
}
for (const [name, check] of Object.entries(checks)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  try {
    console.log(`ok      ${name}: ${await check()}`);
  } catch (error) {
    process.exitCode = 1;
    console.log(`FAILED  ${name}: ${error instanceof Error ? error.message : error}`);
  }
}
