/**
 * Limits on the work that a document causes before it is executed: parsing, validation, introspection. They are checked
 * between parsing and validation, in time linear in the document, because some validation rules compare every field
 * with every other one (CVE-2023-26144), and because complexity is measured only after validation.
 */
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import type { RequestErrorCode } from '../../errors.ts';
import type { ListLengths } from './introspection.ts';

/** Enough for several times what GraphiQL's introspection needs; nested this deep, the parser's stack still holds. */
export const maxTokens = 2_000;

/** As many as tokens. The position of each error is found by counting lines, so lines cost time too. */
export const maxLines = maxTokens;

/**
 * In characters. An answer repeats the name of a field or its alias for every object of a list, so that a long one would
 * be multiplied. The longest name of the schema has a third of this.
 */
export const maxNameLength = 100;

const longName = new RegExp(`[_0-9A-Za-z]{${maxNameLength + 1}}`);

/** Ten times what an operation may have, and far less than overflows a stack. */
const maxDepth = 100;

/** Selections, arguments and directives, with fragments counted wherever they are spread. */
const maxSelections = 5_000;

/**
 * Comparisons of two fields with one response name, of two fragments in one selection set, or of two arguments. Forty
 * fragments that all ask for `id` and `__typename`, as clients write them, need 2,340.
 */
const maxComparisons = 3_000;

/** How much more an operation may introspect than the standard introspection query of graphql-js does. */
const maxIntrospection = 1.5;

export type DocumentCost = {
  selections: number;
  comparisons: number;
  /** Fields that introspection resolves and objects that it goes through, about. */
  introspection: number;
};

/** @throws GraphQLError for a source with too many lines. */
export function requireFewLines(source: string): void {
  let lines = 1;
  for (let at = 0; at < source.length; at += 1) {
    const code = source.charCodeAt(at);
    // A carriage return and a line feed end one line.
    if (code === 10 || (code === 13 && source.charCodeAt(at + 1) !== 10)) lines += 1;
  }
  if (lines > maxLines) throw tooLarge(`has more than ${maxLines} lines`);
}

/** @throws GraphQLError for a document with a name that is too long: an alias, or that of an operation for instance. */
export function requireShortNames(source: string, document: DocumentNode): void {
  // Texts and comments may be as long. Only a document that has something long is looked through.
  if (!longName.test(source)) return;
  visit(document, {
    Name({ value }) {
      if (value.length > maxNameLength)
        throw tooLarge(`has a name of more than ${maxNameLength} characters`, 'Shorten it.');
    },
  });
}

/**
 * Measures a document that need not be valid, and stops at the first limit that it exceeds.
 *
 * @throws GraphQLError with the code BAD_USER_INPUT.
 */
export function requireModestDocument(document: DocumentNode, lengths: ListLengths, standard: number): DocumentCost {
  const meter = new DocumentMeter(document, lengths, maxIntrospection * standard);
  return meter.measure();
}

/** Measures a document without limits on introspection, which are made from what this returns. */
export function introspectionCost(document: DocumentNode, lengths: ListLengths): number {
  return new DocumentMeter(document, lengths, Number.POSITIVE_INFINITY).measure().introspection;
}

/** Fields with one response name, which validation compares with each other and execution merges. */
type Group = { fields: FieldNode[]; weight: number };

class DocumentMeter {
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
    // Fragments that no operation uses are an error, but are validated all the same.
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
   * Walks selection sets that belong to one object, as execution merges them, and so compares every pair of fields at
   * the level where their paths part.
   *
   * @param objects - how many objects they are selected from within introspection; 0 outside
   */
  #merge(sets: readonly SelectionSetNode[], objects: number, depth: number): void {
    if (depth > maxDepth) throw tooLarge(`is more than ${maxDepth} levels deep, or has a fragment that spreads itself`);
    const groups = new Map<string, Group>();
    const spread = new Set<string>();
    for (const set of sets) this.#collect(set, groups, spread);
    // Every fragment is compared with every other one, by recursion.
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

  /** Counts the pairs of so many, each of which takes as long as they weigh on average. */
  #compare(count: number, weight: number): void {
    if (count > 1) this.#comparisons += ((count - 1) * weight) / 2;
    if (this.#comparisons > maxComparisons) {
      throw tooLarge('has too many fragments side by side, or too many fields or arguments with one name');
    }
  }

  #introspect(count: number): void {
    this.#introspection += count;
    if (this.#introspection > this.#maxIntrospection) {
      throw tooLarge(`introspects more than ${maxIntrospection} times what the standard introspection query does`);
    }
  }

  #objectsBelow(field: string, objects: number): number {
    if (field === '__schema') return 1;
    // One type may be as large as many others together.
    if (field === '__type') return this.#lengths.largestType;
    return objects * (this.#lengths.lists[field] ?? 1);
  }

  /** The selection itself, its directives, and every value in its arguments. */
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

function tooLarge(problem: string, advice = 'Ask for less at once.'): GraphQLError {
  return new GraphQLError(`The document ${problem}. ${advice}`, {
    extensions: { code: 'BAD_USER_INPUT' satisfies RequestErrorCode, http: { status: 400, spec: true } },
  });
}
