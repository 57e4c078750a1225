import type { FromValues } from '../protocol/model-port.js';
import type { Fields } from './class-rules.js';
import type { Pass, PropertyPass } from './validation-pass.js';

/**
 * Makes a value of the source text of a function's body, which sees the names of `scope`; gives
 * `undefined` where the runtime forbids that. What is made of text is faster only, so there is
 * always the same without it: an engine knows a property's place in an object where its name
 * stands in the code, and has to look it up where the name is a value.
 */
export type Generate = (scope: Readonly<Record<string, unknown>>, body: string) => unknown;

/** By `new Function`, for servers: a browser's page may have a policy that tells of each attempt. */
export const generateCode: Generate = (scope, body) => {
  try {
    return new Function(...Object.keys(scope), body)(...Object.values(scope)) as unknown;
  } catch (error) {
    if (error instanceof EvalError) return undefined;
    throw error;
  }
};

/** For where code of text is forbidden, or not worth its place. */
export const neverGenerate: Generate = () => undefined;

/** Sets a property of an instance to a value that isn't taken as it is. */
type SetProperty = (instance: Fields, name: string, value: unknown) => void;
type Refuse = (error: unknown, name: string) => unknown;

/** What makes instances of values by their places; a place without a property is left out. */
export function generateMaker(
  generate: Generate,
  model: unknown,
  properties: readonly (string | undefined)[],
  set: SetProperty,
  refuse: Refuse,
): FromValues | undefined {
  const body = `return (values) => {
    let at = '', value;
    try {
      const it = new Model();
      ${properties.map(assignment).join('')}
      return it;
    } catch (error) {
      throw refuse(error, at);
    }
  };`;
  return generate({ Model: model, set, refuse }, body) as FromValues | undefined;
}

function assignment(property: string | undefined, place: number): string {
  if (property === undefined) return '';
  const name = JSON.stringify(property);
  return `
      at = ${name};
      value = values[${place}];
      if (value === undefined || typeof value === 'object') set(it, ${name}, value);
      else if (typeof it[${name}] !== 'function') it[${name}] = value;`;
}

/** Whether an instance passes all of these, in their order; each property is read once. */
export function generatePass(
  generate: Generate,
  properties: readonly PropertyPass[],
): Pass | undefined {
  const scope: Record<string, unknown> = {};
  const tests = properties.map(({ name, quick, pass }, i) => {
    scope[`quick${i}`] = quick;
    scope[`pass${i}`] = pass;
    return `(quick${i}(value = it[${JSON.stringify(name)}]) || pass${i}(value, it))`;
  });
  const body = `return (it) => { let value; return ${['true', ...tests].join(' && ')}; };`;
  return generate(scope, body) as Pass | undefined;
}
