/** Verifies one password repeatedly, several at a time: the limit of any login. Reports the number per second. */
import { hash, verify } from '@node-rs/argon2';
import { readConfig } from '../../src/config/config.ts';
import { password } from '../dataset.ts';

const { memoryKiB, passes, lanes } = readConfig({}).passwords;
const hashed = await hash(password, { memoryCost: memoryKiB, timeCost: passes, parallelism: lanes });

process.on('message', async ({ seconds, atOnce }: { seconds: number; atOnce: number }) => {
  const began = performance.now();
  const deadline = began + seconds * 1_000;
  let verified = 0;
  const loop = async () => {
    while (performance.now() < deadline) {
      if (!(await verify(hashed, password))) throw new Error('The password does not match.');
      verified += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, loop));
  process.send?.(verified / ((performance.now() - began) / 1_000));
});
