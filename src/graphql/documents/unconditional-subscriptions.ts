import {
  type FieldNode,
  type FragmentSpreadNode,
  GraphQLError,
  type InlineFragmentNode,
  type ValidationContext,
  type ValidationRule,
} from 'graphql';

/**
 * Refuses `@skip` and `@include` on the root field of a subscription (GraphQL specification, draft, 5.2.4.1). Without its
 * only field there is nothing to subscribe to, and GraphQL.js 16 throws an error that is none of the client's.
 */
export const unconditionalSubscriptions: ValidationRule = (context: ValidationContext) => {
  const root = context.getSchema().getSubscriptionType();

  function check(node: FieldNode | FragmentSpreadNode | InlineFragmentNode): void {
    if (context.getParentType() !== root || !root) return;
    const condition = node.directives?.find(({ name: { value } }) => value === 'skip' || value === 'include');
    if (!condition) return;
    const message = `@${condition.name.value} is not allowed on the root field of a subscription.`;
    context.reportError(new GraphQLError(message, { nodes: condition }));
  }

  return { Field: check, FragmentSpread: check, InlineFragment: check };
};
