import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ProofRequirement, requireProof } from '../../src/verify/assurance/require-proof.ts';
import type { Auth, Proof } from '../../src/verify/auth.ts';
import { temporaryFolder } from '../support/database.ts';

describe('types of the client library', () => {
  it.each([
    ['those of the web, as in a browser or an edge runtime', ['es2022', 'dom'], []],
    ['those of Node.js', ['es2022'], ['node']],
  ])('need nothing but %s', async (_, lib, types) => {
    const folder = await temporaryFolder();
    const compilerOptions = {
      lib,
      types,
      typeRoots: [resolve('node_modules/@types')],
      target: 'es2022',
      module: 'nodenext',
      noEmit: true,
      strict: true,
      allowImportingTsExtensions: true,
      erasableSyntaxOnly: true,
    };
    const config = join(folder, 'tsconfig.json');
    writeFileSync(config, JSON.stringify({ compilerOptions, files: [resolve('src/verify/index.ts')] }));
    expect(execFileSync('node_modules/.bin/tsc', ['-p', config], { encoding: 'utf8' })).toBe('');
  });

  it('tell a session of a user from an anonymous one', () => {
    function methodsOf(auth: Auth | null): string[] {
      if (auth?.user) return auth.session.amr;
      // @ts-expect-error: an anonymous session has no methods of authentication.
      return auth?.session.amr ?? [];
    }
    expect(methodsOf(null)).toEqual([]);
  });

  it('tell which proofs a session may have, and only of a user', () => {
    function proofsOf(auth: Auth | null): Proof[] {
      if (auth?.user) return auth.session.proofs;
      // @ts-expect-error: an anonymous session has no proofs.
      return auth?.session.proofs ?? [];
    }
    expect(proofsOf(null)).toEqual([]);
    // @ts-expect-error: no level is higher than two.
    const requirement: ProofRequirement = { withinSeconds: 300, level: 3 };
    expect(requireProof(null, requirement)?.status).toBe(401);
  });
});
