/**
 * Returns a function that makes one call for all callers that ask with the same key in one turn of the event loop, and
 * gives each the answer. The call begins after the last of them has asked, so that no answer is older than its question.
 * Nothing is kept once the call begins.
 */
export function sharePerTick<Answer>(act: (key: string) => Promise<Answer>): (key: string) => Promise<Answer> {
  const asked = new Map<string, Promise<Answer>>();
  return (key) => {
    const known = asked.get(key);
    if (known) return known;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    asked.set(key, promise);
    process.nextTick(() => {
      asked.delete(key);
      resolve(act(key));
    });
    return promise;
  };
}
