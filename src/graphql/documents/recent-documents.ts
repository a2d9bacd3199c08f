import { hash } from 'node:crypto';

/** Takes 32 KB. Most likely recognizes a document that comes again within eight thousand other documents. */
const slots = 8_192;

/** Remembers the hashes of recent documents, in memory of a fixed size. */
export class RecentDocuments {
  readonly #hashes = new Uint32Array(slots);

  /** Returns whether the document came before. It may forget a document, or confuse two documents. */
  isSecondUse(source: string): boolean {
    const bytes = hash('sha256', source, 'buffer');
    const slot = bytes.readUInt16LE(0) % slots;
    // Zero is an empty slot.
    const value = bytes.readUInt32LE(4) || 1;
    const isKnown = this.#hashes[slot] === value;
    this.#hashes[slot] = value;
    return isKnown;
  }
}
