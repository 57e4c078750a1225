import type { PropertyFault } from '../model/arriving-models.js';
import { StreamError } from '../protocol/stream-error.js';

/**
 * A schema of zod, valibot, ArkType or any other library that keeps to Standard Schema
 * (https://standardschema.dev): it takes an `Input` and makes an `Output` of it.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    /** The library's name. */
    readonly vendor: string;
    /** Tests a value and gives what the schema makes of it, or what is wrong with it. */
    readonly validate: (value: unknown) => SchemaResult<Output> | PromiseLike<SchemaResult<Output>>;
    /** For the type checker only. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing that is wrong with a value, and the way to it. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

type SchemaTypes<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>;

/** What a schema takes. */
export type SchemaInput<Schema extends StandardSchema> = SchemaTypes<Schema>['input'];

/** What a schema makes of it. */
export type SchemaOutput<Schema extends StandardSchema> = SchemaTypes<Schema>['output'];

/** Whether a value is a schema; some libraries' are functions. */
export function isSchema(value: unknown): value is StandardSchema {
  const standard = (value as Partial<StandardSchema> | null | undefined)?.['~standard'];
  return typeof standard?.validate === 'function';
}

/**
 * Passes a value through a schema: what it makes of it, at once unless the schema waits.
 *
 * @param refuse makes the error to throw of what is wrong.
 */
export function parseBy(
  { '~standard': standard }: StandardSchema,
  value: unknown,
  refuse: (issues: readonly SchemaIssue[]) => Error,
): unknown {
  const settle = (result: SchemaResult<unknown>): unknown => {
    if (result.issues !== undefined) throw refuse(result.issues);
    return result.value;
  };
  const result = standard.validate(value);
  return 'then' in result ? Promise.resolve(result).then(settle) : settle(result);
}

/** How many issues a message names. */
const NAMED_ISSUES = 5;
/** How many of them an error's `data` lists: a client must not get more back than it sent. */
const LISTED_ISSUES = 100;

/** What a client is told of a value its schema refuses; `place` begins the message. */
export function invalidArgument(
  name: string,
  place: string,
  issues: readonly SchemaIssue[],
): StreamError {
  const data = issues.slice(0, LISTED_ISSUES).map(
    (issue): PropertyFault => ({
      property: pathOf(issue) || name,
      constraints: { schema: issue.message },
    }),
  );
  return new StreamError('invalid-argument', `${place}: ${sentences(issues)}`, { data });
}

/** The issues of a schema, for a message: `at: Invalid date; label: Required`. */
export function sentences(issues: readonly SchemaIssue[]): string {
  const named = issues.slice(0, NAMED_ISSUES).map((issue) => {
    const path = pathOf(issue);
    return path === '' ? issue.message : `${path}: ${issue.message}`;
  });
  return [...named, ...(issues.length > NAMED_ISSUES ? ['and more'] : [])].join('; ');
}

function pathOf({ path = [] }: SchemaIssue): string {
  return path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
}
