import { type Challenge, solveChallenge } from 'altcha-lib';
import { deriveKey } from 'altcha-lib/algorithms/web/pbkdf2';

/** Solves the puzzle of a `ProofOfWorkRequiredError`: about a second of work. Returns the argument `proofOfWork`. */
export async function solve(puzzle: unknown): Promise<string> {
  // The server sends it as JSON, in the form of this library.
  const solution = await solveChallenge({ challenge: puzzle as Challenge, deriveKey });
  return btoa(JSON.stringify({ challenge: puzzle, solution }));
}
