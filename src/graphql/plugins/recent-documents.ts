import { hash } from 'node:crypto';

/** Takes 32 KB. A document that comes again before eight thousand others have come is most likely recognised. */
const slots = 8_192;

/** Remembers by their hashes which documents came lately, in memory of one size, however many they are. */
export class RecentDocuments {
  readonly #hashes = new Uint32Array(slots);

  /** Returns whether the document has come before. It may forget one, and for two it may take one for the other. */
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
