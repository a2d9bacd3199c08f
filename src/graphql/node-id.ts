/** Prisma's Int. */
const largestId = 2 ** 31 - 1;

type NodeId = { type: string; id: number };

/** What a global id stands for, or null if it is none that this server gave out. */
export function parseNodeId(globalId: string): NodeId | null {
  const [, type, digits] = /^([A-Z]\w*):([1-9]\d{0,9})$/.exec(Buffer.from(globalId, 'base64').toString()) ?? [];
  const id = Number(digits);
  return type !== undefined && id <= largestId ? { type, id } : null;
}
