/** Measures the work that a document causes in validation and introspection. */
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { RequestErrorCode } from '../../errors.ts';
import type { ListLengths } from './introspection.ts';

/** The maximum depth: ten times that of an operation, and far too little to overflow the stack. */
const maxDepth = 100;

/** The maximum of selections, arguments and directives. A fragment counts wherever it is spread. */
const maxSelections = 5_000;

/**
 * The maximum of comparisons: of two fields with one response name, two fragments in one selection set, or two
 * arguments. Forty fragments that all select `id` and `__typename`, as clients write them, need 2,340.
 */
const maxComparisons = 3_000;

/** The limit on introspection, as a multiple of the standard introspection query of graphql-js. */
export const maxIntrospection = 1.5;

export type DocumentCost = {
  selections: number;
  comparisons: number;
  /** The approximate number of fields that introspection resolves, and of objects that it visits. */
  introspection: number;
};

/** The fields with one response name. Validation compares them with each other, and execution merges them. */
type Group = { fields: FieldNode[]; weight: number };

/** Measures one document, and stops at the first limit that it exceeds. */
export class DocumentMeter {
  readonly #document: DocumentNode;
  readonly #lengths: ListLengths;
  readonly #maxIntrospection: number;
  readonly #fragments = new Map<string, FragmentDefinitionNode>();
  readonly #reached = new Set<string>();
  readonly #weights = new Map<SelectionNode, number>();
  #selections = 0;
  #comparisons = 0;
  #introspection = 0;

  constructor(document: DocumentNode, lengths: ListLengths, maxIntrospected: number) {
    this.#document = document;
    this.#lengths = lengths;
    this.#maxIntrospection = maxIntrospected;
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.#fragments.set(definition.name.value, definition);
    }
  }

  measure(): DocumentCost {
    for (const definition of this.#document.definitions) {
      if (definition.kind === Kind.OPERATION_DEFINITION) this.#merge([definition.selectionSet], 0, 1);
    }
    // Unused fragments are an error, but validation still goes through them.
    for (const [name, { selectionSet }] of this.#fragments) {
      if (!this.#reached.has(name)) this.#merge([selectionSet], 0, 1);
    }
    return {
      selections: this.#selections,
      comparisons: this.#comparisons,
      introspection: this.#introspection,
    };
  }

  /**
   * Walks the selection sets of one object, merged as in execution. So it compares every pair of fields at the level
   * where their paths part.
   *
   * @param objects - the number of introspection objects that the sets apply to; 0 outside of introspection
   */
  #merge(sets: readonly SelectionSetNode[], objects: number, depth: number): void {
    if (depth > maxDepth) throw tooLarge(`is more than ${maxDepth} levels deep, or has a fragment that spreads itself`);
    const groups = new Map<string, Group>();
    const spread = new Set<string>();
    for (const set of sets) this.#collect(set, groups, spread);
    // Validation compares every fragment with every other one, by recursion.
    this.#compare(spread.size, spread.size);
    for (const { fields, weight } of groups.values()) {
      const [first] = fields;
      if (!first) continue;
      this.#compare(fields.length, weight);
      const below = this.#objectsBelow(first.name.value, objects);
      const inner = fields.flatMap(({ selectionSet }) => (selectionSet ? [selectionSet] : []));
      if (below > 0) this.#introspect(inner.length > 0 ? objects + below : objects);
      if (inner.length > 0) this.#merge(inner, below, depth + 1);
    }
  }

  #collect({ selections }: SelectionSetNode, groups: Map<string, Group>, spread: Set<string>): void {
    for (const selection of selections) {
      const weight = this.#weightOf(selection);
      this.#selections += weight;
      if (this.#selections > maxSelections) throw tooLarge(`selects more than ${maxSelections} fields and arguments`);
      if (selection.kind === Kind.FIELD) {
        const name = (selection.alias ?? selection.name).value;
        const group = groups.get(name) ?? { fields: [], weight: 0 };
        group.fields.push(selection);
        group.weight += weight;
        groups.set(name, group);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        this.#collect(selection.selectionSet, groups, spread);
      } else if (!spread.has(selection.name.value)) {
        spread.add(selection.name.value);
        this.#reached.add(selection.name.value);
        const fragment = this.#fragments.get(selection.name.value);
        if (fragment) this.#collect(fragment.selectionSet, groups, spread);
      }
    }
  }

  /** Counts the pairs of `count` items. A pair costs the average weight of the items. */
  #compare(count: number, weight: number): void {
    if (count > 1) this.#comparisons += ((count - 1) * weight) / 2;
    if (this.#comparisons > maxComparisons) {
      throw tooLarge('has too many fragments side by side, or too many fields or arguments with one name');
    }
  }

  #introspect(count: number): void {
    this.#introspection += count;
    if (this.#introspection > this.#maxIntrospection) {
      throw tooLarge(`introspects more than ${maxIntrospection} times as much as the standard introspection query`);
    }
  }

  #objectsBelow(field: string, objects: number): number {
    if (field === '__schema') return 1;
    // One type may be as large as many other types together.
    if (field === '__type') return this.#lengths.largestType;
    return objects * (this.#lengths.lists[field] ?? 1);
  }

  /** Returns the weight of a selection: the selection itself, its directives, and every value in its arguments. */
  #weightOf(selection: SelectionNode): number {
    const known = this.#weights.get(selection);
    if (known !== undefined) return known;
    const directives = selection.directives ?? [];
    const holders = 'arguments' in selection ? [selection, ...directives] : directives;
    for (const holder of holders) this.#compare(holder.arguments?.length ?? 0, holder.arguments?.length ?? 0);
    const values = holders.flatMap((holder) => (holder.arguments ?? []).map(({ value }) => value));
    let weight = 1 + directives.length;
    for (let value = values.pop(); value; value = values.pop()) {
      weight += 1;
      if (value.kind === Kind.LIST) values.push(...value.values);
      if (value.kind === Kind.OBJECT) values.push(...value.fields.map((field) => field.value));
    }
    this.#weights.set(selection, weight);
    return weight;
  }
}

/** Returns the refusal of a document. */
export function tooLarge(problem: string, advice = 'Query less at once.'): GraphQLError {
  return new GraphQLError(`The document ${problem}. ${advice}`, {
    extensions: { code: 'BAD_USER_INPUT' satisfies RequestErrorCode, http: { status: 400, spec: true } },
  });
}
