/** How many sessions are verified again at the same time. */
const maxConcurrent = 16;

/** Runs an asynchronous function for items in their order, and for a few at the same time. */
export class VerdictQueue<Item> {
  readonly #waiting = new Set<Item>();
  readonly #run: (item: Item) => Promise<void>;
  #running = 0;

  /** The function must not throw. */
  constructor(run: (item: Item) => Promise<void>) {
    this.#run = run;
  }

  add(item: Item): void {
    this.#waiting.add(item);
    this.#start();
  }

  delete(item: Item): void {
    this.#waiting.delete(item);
  }

  #start(): void {
    for (const item of this.#waiting) {
      if (this.#running >= maxConcurrent) return;
      this.#waiting.delete(item);
      this.#running += 1;
      void this.#run(item).finally(() => {
        this.#running -= 1;
        this.#start();
      });
    }
  }
}
