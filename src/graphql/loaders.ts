import DataLoader from 'dataloader';
import type { Database } from '../database/database.ts';
import type { User } from '../users/user.ts';

/** What the resolvers of one request load by id, and share: of a whole list by one query, and nothing twice. */
export class Loaders {
  readonly #database: Database;
  #users: DataLoader<number, User | null> | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Made when it is first needed, which most requests never do. */
  get users(): DataLoader<number, User | null> {
    this.#users ??= new DataLoader(async (ids) => {
      const users = await this.#database.user.findMany({ where: { id: { in: [...ids] } } });
      const byId = new Map(users.map((user) => [user.id, user]));
      return ids.map((id) => byId.get(id) ?? null);
    });
    return this.#users;
  }
}
