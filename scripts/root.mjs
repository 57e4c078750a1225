import { fileURLToPath } from 'node:url';

/** The repository's root, whatever the working directory is. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));
