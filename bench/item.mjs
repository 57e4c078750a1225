/** What most measures send: `{id: int, text: 16 chars, x: int, y: int}`. */

const TEXTS = Array.from(
  { length: 64 },
  (_, i) => `sixteen chars ${i.toString().padStart(2, '0')}`,
);

export function makeItem(id) {
  return { id, text: TEXTS[id & 63], x: id % 1920, y: (id * 7) % 1080 };
}

/** The output that is measured; every server streams this same generator. */
export async function* makeItems(count, make = makeItem) {
  for (let id = 0; id < count; id++) yield make(id);
}

/** Throws unless `item` is the one expected: a fast run that loses or reorders items counts for nothing. */
export function checkItem(item, id) {
  if (item.id !== id || item.text !== TEXTS[id & 63]) {
    throw new Error(`expected item ${id}, got ${JSON.stringify(item)}`);
  }
}
