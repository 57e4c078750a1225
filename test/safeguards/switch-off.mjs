import { fileURLToPath } from 'node:url';

/** The environment variable that holds the edits to be made, as JSON. */
export const VARIABLE = 'SAFEGUARD_OFF';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * For vite: changes the text of modules when they are loaded, as `SAFEGUARD_OFF` tells, in this
 * process and in those that inherit its environment. Without the variable it is no plugin at all.
 */
export function switchOff() {
  const edits = JSON.parse(process.env[VARIABLE] ?? '[]');
  if (edits.length === 0) return [];
  return [
    {
      name: 'switch-off',
      enforce: 'pre',
      transform(code, id) {
        const own = edits.filter(({ file }) => id.split('?')[0] === ROOT + file);
        return own.length === 0 ? null : { code: own.reduce(replaceOnce, code), map: null };
      },
    },
  ];
}

/** A text that is not there, or there twice, is no safeguard that anybody knows of. */
export function replaceOnce(code, { file, text, replacement }) {
  const [before, after, ...more] = code.split(text);
  if (after === undefined || more.length > 0) {
    throw new Error(`${file} does not have this exactly once: ${text}`);
  }
  return before + replacement + after;
}
