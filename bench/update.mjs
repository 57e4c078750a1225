/** What fan-out publishes: about 200 bytes of JSON, a new object for each message. */

const TEXTS = Array.from({ length: 64 }, (_, i) => `update ${i} `.padEnd(155, 'lorem ipsum '));

export function makeUpdate(id) {
  return { id, text: TEXTS[id & 63], x: id % 1920, y: (id * 7) % 1080 };
}

/** Throws unless `update` is the one expected. */
export function checkUpdate(update, id) {
  if (update.id !== id || update.text !== TEXTS[id & 63]) {
    throw new Error(`expected update ${id}, got ${JSON.stringify(update)}`);
  }
}
