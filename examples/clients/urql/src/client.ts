import { type Exchange, makeOperation, mapExchange } from '@urql/core';
import { Account, isSessionOver, type Payload } from './account.ts';
import type { TokenStore } from './tokens.ts';

/** Sends the bearer token of a store. */
export class BearerAccount extends Account {
  readonly transport = 'BEARER';
  readonly store: TokenStore;

  constructor(url: string, store: TokenStore) {
    super(url);
    this.store = store;
  }

  keep({ token, deviceToken }: Payload): void {
    this.store.write({ session: token, device: deviceToken ?? this.store.read().device });
  }

  forget(): void {
    this.store.write({ ...this.store.read(), session: null });
  }

  protected credentials(): Exchange {
    return mapExchange({
      onOperation: (operation) => {
        const { session, device } = this.store.read();
        const headers = {
          ...(session && { authorization: `Bearer ${session}` }),
          ...(device && { 'x-device-token': device }),
        };
        return makeOperation(operation.kind, operation, { ...operation.context, session, fetchOptions: { headers } });
      },
      onResult: (result) => {
        const { session } = this.store.read();
        // A login may have replaced the token while the request was on its way.
        if (session === null || result.operation.context.session !== session || !isSessionOver(result)) return;
        this.forget();
        this.reset();
      },
    });
  }
}
