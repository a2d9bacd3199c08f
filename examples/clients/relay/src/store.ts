import {
  commitMutation,
  createOperationDescriptor,
  type Environment,
  type GraphQLTaggedNode,
  getRequest,
  type OperationType,
  type Result,
  type SelectorStoreUpdater,
  type Variables,
} from 'relay-runtime';

/** Returns what the store has for a query, without a request. A missing record is undefined. */
export function readStore<Query extends OperationType>(relay: Environment, query: GraphQLTaggedNode) {
  const { fragment } = createOperationDescriptor(getRequest(query), {});
  return relay.lookup(fragment).data as Partial<Query['response']>;
}

/** Keeps the data of a query in the store, as a component does that shows it. */
export function retain(relay: Environment, query: GraphQLTaggedNode): void {
  relay.retain(createOperationDescriptor(getRequest(query), {}));
}

type Mutation = { response: Result<unknown, unknown>; variables: Variables };

/** The data of a mutation with `@catch`. */
export type DataOf<M extends Mutation> = Extract<M['response'], { ok: true }>['value'];

/** Sends a mutation with `@catch`. Rejects with the message of the first error. */
export function mutate<M extends Mutation>(
  relay: Environment,
  config: { mutation: GraphQLTaggedNode; variables: M['variables']; updater?: SelectorStoreUpdater },
): Promise<DataOf<M>> {
  return new Promise((resolve, reject) => {
    commitMutation(relay, {
      ...config,
      // Without errors, `@catch` has caught none.
      onCompleted: ({ value }, errors) => (errors?.[0] ? reject(new Error(errors[0].message)) : resolve(value)),
      onError: reject,
    });
  });
}
