const COPIES = Symbol.for('nestjs-streaming:copies');

/**
 * Notes from where this copy of the package was loaded, and gives all places so far: a nested
 * `node_modules` brings a second one, whose guards don't know the sessions of the first. Kept on the
 * global object, which is all that copies share.
 */
export function loadedCopies(): readonly string[] {
  const holder = globalThis as unknown as Record<symbol, Set<string> | undefined>;
  holder[COPIES] ??= new Set();
  const place = ownPlace();
  if (place !== undefined) holder[COPIES].add(place);
  return [...holder[COPIES]];
}

/** Neither module format has a way to tell it that the other one knows. */
function ownPlace(): string | undefined {
  // An application may have made something else than a text of it.
  const frame = String(new Error().stack).split('\n')[1] ?? '';
  return /^.*[( ]((?:file:|\/|\w:).*?)[\\/]nest[\\/]copies\.\w+\b.*$/.exec(frame)?.[1];
}

// As soon as it is loaded: only one of the copies starts.
loadedCopies();
