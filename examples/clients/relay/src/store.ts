import {
  commitMutation,
  createOperationDescriptor,
  type Environment,
  type GraphQLTaggedNode,
  getRequest,
  type MutationConfig,
  type MutationParameters,
  type OperationType,
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

/** Sends a mutation. Rejects with the message of the first error. */
export function mutate<Mutation extends MutationParameters>(
  relay: Environment,
  config: Pick<MutationConfig<Mutation>, 'mutation' | 'variables' | 'updater'>,
): Promise<Mutation['response']> {
  return new Promise((resolve, reject) => {
    commitMutation<Mutation>(relay, {
      ...config,
      onCompleted: (response, errors) => (errors?.[0] ? reject(new Error(errors[0].message)) : resolve(response)),
      onError: reject,
    });
  });
}
