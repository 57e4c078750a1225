/** What takes parts one by one: an array, or a class of the user's with a `push`. */
export interface List {
  push(part: unknown): unknown;
}

/** Whether a property was declared as a Set, or as a list that is no array. */
export function isOwnList(reflected: unknown): boolean {
  return typeof reflected === 'function' && reflected !== Array && reflected !== Object;
}

export function createList(reflected: unknown): List | Set<unknown> {
  if (!isOwnList(reflected)) return [];
  const list = new (reflected as new () => object)();
  return list instanceof Set || 'push' in list ? (list as List | Set<unknown>) : [];
}

export function fill(list: List | Set<unknown>, parts: unknown[]): List | Set<unknown> {
  for (const part of parts) list instanceof Set ? list.add(part) : list.push(part);
  return list;
}
