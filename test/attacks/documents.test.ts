/** @module-tag repeated */
import { describe, expect, inject, it } from 'vitest';
import { harmlessDocument, minTime, searchExpensiveDocument } from '../support/document-search.ts';
import { expensiveDocuments } from '../support/documents.ts';

/** `ATTACK_REQUESTS=200000` makes it a long search. */
const candidates = inject('attackRequests');

/** The maximum cost of a document, as a multiple of a harmless one's. All known ones stay below ten. */
const maxTimes = 15;

describe('cost of a document before execution', () => {
  it('is no multiple of the cost of a harmless document of the same size, for all known kinds', () => {
    const usual = minTime(harmlessDocument());
    const expensive = Object.entries(expensiveDocuments)
      .map(([name, document]) => ({ name, times: Math.round(minTime(document) / usual) }))
      .filter(({ times }) => times > maxTimes);
    expect(expensive).toEqual([]);
  });

  it('is no multiple of it for documents that a search finds either', { timeout: 300_000 + candidates * 20 }, () => {
    const { document, ms } = searchExpensiveDocument(candidates, candidates);
    const times = Math.round(ms / minTime(harmlessDocument()));
    console.log(
      `Of ${candidates} documents, the most expensive costs ${times} times a harmless one: ${ms.toFixed(1)} ms`,
    );
    expect(times <= maxTimes ? '' : document).toBe('');
  });
});
