/** Expensive documents: one of each kind that was ever found, of the maximum size that the server reads. */
import { Lexer, Source, TokenKind } from 'graphql';

const maxTokens = 2_000;

function tokensOf(document: string): number {
  const lexer = new Lexer(new Source(document));
  let tokens = 0;
  while (lexer.advance().kind !== TokenKind.EOF) tokens += 1;
  return tokens;
}

/** Returns the largest document of a kind within the limits on tokens and bytes. */
function largest(documentOf: (count: number) => string): string {
  let [fits, exceeds] = [1, maxTokens];
  while (exceeds - fits > 1) {
    const middle = Math.floor((fits + exceeds) / 2);
    const document = documentOf(middle);
    if (document.length <= 64_000 && tokensOf(document) <= maxTokens) fits = middle;
    else exceeds = middle;
  }
  return documentOf(fits);
}

function times(count: number, piece: (n: number) => string): string {
  return Array.from({ length: count }, (_, n) => piece(n)).join(' ');
}

const fields = ['id', 'name', 'email', 'role', 'createdAt', 'updatedAt', 'emailVerifiedAt', 'suspendedAt'];
const field = (n: number) => fields[n % fields.length];
const long = 'x'.repeat(30);

/** Makes fields with this number of names, each as often as the limit on tokens allows. */
const ofNames = (names: number) => (count: number) => `{viewer{${times(count, (n) => `a${n % names}:${field(n)}`)}}}`;

/** Each kind as a document with this number of pieces. */
const kinds: Record<string, (count: number) => string> = {
  'fields that conflict': ofNames(1),
  'ten names': ofNames(10),
  'forty names': ofNames(40),
  'a hundred names': ofNames(100),
  'names that do not repeat': ofNames(maxTokens),
  'fields that conflict at two levels': (count) => `{${times(count, (n) => `viewer{a:${field(n)}}`)}}`,
  'fields that conflict deeply': (count) =>
    `{${times(count, (n) => `viewer{sessions{user{sessions{a:${field(n)}}}}}`)}}`,
  'fields that conflict, thirty by thirty': (count) =>
    times(Math.ceil(count / 30), (q) => `query Q${q}{viewer{${times(30, (n) => `a:${field(n)}`)}}}`),
  'arguments that conflict': (count) => `{${times(count, (n) => `node(id:"${n}"){id}`)}}`,
  'lists of arguments that conflict': (count) =>
    `{${times(count, (n) => `nodes(ids:["${n}"${',"1"'.repeat(20)}]){id}`)}}`,
  'the same field': (count) => `{${times(count, () => 'viewer{id}')}}`,
  'inline fragments': (count) => `{viewer{${times(count, (n) => `...on User{${field(n)}}`)}}}`,
  'nested inline fragments': (count) => `{${times(count, () => '...on Query{')} __typename ${'}'.repeat(count)}}`,
  'a chain of fragments': (count) =>
    `{...F0} ${times(count, (n) => `fragment F${n} on Query{a${n}:viewer{id} ...F${n + 1}}`)}`,
  'fragments that multiply': (count) =>
    `{...F0} ${times(count, (n) => `fragment F${n} on Query{...F${n + 1} ...F${n + 1}}`)}`,
  'fragments that multiply by depth': (count) =>
    `{...F0} ${times(count, (n) => `fragment F${n} on Query{a:node(id:1){...F${n + 1}} b:node(id:1){...F${n + 1}}}`)}`,
  'fragments in circles': (count) =>
    `{...F0} ${times(count, (n) => `fragment F${n} on Query{...F${n + 1} ...F0 ...F${n >> 1}}`)}`,
  'fragments side by side': (count) =>
    `{${times(count, (n) => `...F${n}`)}} ${times(count, (n) => `fragment F${n} on Query{viewer{a:${field(n)}}}`)}`,
  'fragments side by side without conflicts': (count) =>
    `{${times(count, (n) => `...F${n}`)}} ${times(count, (n) => `fragment F${n} on Query{a${n}:__typename}`)}`,
  'seventy fragments side by side': (count) =>
    `{${times(70, (n) => `...F${n}`)}} ${times(70, (n) => `fragment F${n} on Query{${times(Math.ceil(count / 70), (k) => `a${k}:viewer{id}`)}}`)}`,
  'fragments that no operation uses': (count) => times(count, (n) => `fragment F${n} on User{${field(n)}}`),
  'fragments with one name': (count) => times(count, (n) => `fragment F on User{${field(n)}}`),
  'operations with shared fragments': (count) =>
    `${times(count, (n) => `query Q${n}{...F0}`)} ${times(count, (n) => `fragment F${n} on Query{node(id:$v${n}){id} ...F${n + 1}}`)}`,
  'operations with one fragment of many variables': (count) =>
    `${times(count, (n) => `query Q${n}{...F}`)} fragment F on Query{nodes(ids:[${times(count, (n) => `$v${n}`)}]){id}}`,
  'operations with one name': (count) => times(count, () => 'query Q{__typename}'),
  'variables that are not used': (count) => `query(${times(count, (n) => `$v${n}:ID!`)}){__typename}`,
  'variables with one name': (count) => `query(${times(count, () => '$v:ID!')}){__typename}`,
  'variables that are not defined': (count) => `{nodes(ids:[${times(count, (n) => `$v${n}`)}]){id}}`,
  'unknown fields': (count) => `{viewer{${times(count, (n) => `emial${n}`)}}}`,
  'unknown fields with long names': (count) => `{viewer{${times(count, (n) => `${long}${n}`)}}}`,
  'unknown mutations': (count) => `mutation{${times(count, (n) => `requestPasswordRest${n}`)}}`,
  'unknown types': (count) => `{${times(count, (n) => `...on ReauthenticationReqired${n}{id}`)}}`,
  'unknown arguments': (count) => `{node(${times(count, (n) => `requestPassword${n}:1`)}){id}}`,
  'arguments with one name': (count) => `{node(${times(count, () => 'id:1')}){id}}`,
  'seventy arguments with one name': (count) =>
    `{${times(Math.ceil(count / 70), (n) => `a${n}:node(${times(70, () => 'id:1')}){id}`)}}`,
  'unknown directives': (count) => `{viewer{id ${times(count, (n) => `@include${n}`)}}}`,
  'a directive again and again': (count) => `{viewer{id ${times(count, () => '@skip(if:true)')}}}`,
  'values of wrong types': (count) => `{nodes(ids:[${times(count, (n) => `{a${n}:1}`)}]){id}}`,
  'a wide object': (count) => `mutation{setPublicData(data:{${times(count, (n) => `k${n}:1`)}}){__typename}}`,
  'a deep object': (count) => `mutation{setPublicData(data:${'{a:'.repeat(count)}1${'}'.repeat(count)}){__typename}}`,
  'a deep selection': (count) => `{${'a{'.repeat(count)}a${'}'.repeat(count)}}`,
  'errors on late lines': (count) => `{viewer{${'\n'.repeat(1_900)}${times(count, (n) => `emial${n}`)}}}`,
  'a few errors on late lines': (count) =>
    `{viewer{${'\n'.repeat(1_900)}${times(Math.min(count, 400), (n) => `emial${n}`)}}}`,
  'conflicts on late lines': (count) =>
    `{viewer{${'\n'.repeat(1_900)}${times(Math.min(count, 160), (n) => `a${n % 20}:${field(n)}`)}}}`,
  'a syntax error on a late line': (count) => `{viewer{${'\n'.repeat(count)}id`,
  'lines without tokens': () => `{viewer{${'\n'.repeat(60_000)}x y z}}`,
  'a comment': () => `{viewer{id}} #${'x'.repeat(60_000)}`,
  'a long name': () => `{${'x'.repeat(60_000)}}`,
  'a long text': () => `{node(id:"${'x'.repeat(60_000)}"){id}}`,
  'a block of text with many lines': () => `{node(id:"""${'\n x'.repeat(1_900)}"""){id}}`,
  'introspection again and again': (count) =>
    `{${times(count, (n) => `a${n}:__schema{types{name fields{name args{name type{name}}}}}`)}}`,
  'introspection of the types only': (count) => `{${times(count, (n) => `a${n}:__schema{types{name}}`)}}`,
  'introspection with many leaves': (count) => `{__schema{types{fields{${times(count, (n) => `a${n}:name`)}}}}}`,
  'introspection of types of types': (count) =>
    `{__schema{types{fields{type{fields{${times(count, (n) => `a${n}:name`)}}}}}}}`,
  'introspection of the possible types': (count) =>
    `{__schema{types{possibleTypes{${times(count, (n) => `a${n}:name`)}}}}}`,
  'introspection of possible types of one type': (count) =>
    `{${times(count, (n) => `a${n}:__type(name:"UserError"){possibleTypes{fields{name type{name}}}}`)}}`,
  'introspection of one type': (count) =>
    `{${times(count, (n) => `a${n}:__type(name:"Mutation"){fields{args{name description}}}`)}}`,
  'introspection by fragments': (count) =>
    `{__schema{types{...F0}}} ${times(count, (n) => `fragment F${n} on __Type{a${n}:name b${n}:description c${n}:kind ...F${n + 1}}`)}`,
  'names of types': (count) => `{${times(count, (n) => `a${n}:__typename`)}}`,
};

/** Documents, by the reason for their cost. */
export const expensiveDocuments = Object.fromEntries(
  Object.entries(kinds).map(([name, documentOf]) => [name, largest(documentOf)]),
);
