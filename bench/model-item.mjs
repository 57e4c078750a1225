/** The same item as an instance of a class with class-transformer's and class-validator's decorators. */
import 'reflect-metadata';
import { Expose } from 'class-transformer';
import { IsInt, IsString, MaxLength } from 'class-validator';
import { checkItem, makeItem } from './item.mjs';
import { decorate } from './serialisation/decorate.mjs';

export class Item {
  id;
  text;
  x;
  y;
}
decorate(Item, {
  id: [Expose(), IsInt()],
  text: [Expose(), IsString(), MaxLength(16)],
  x: [Expose(), IsInt()],
  y: [Expose(), IsInt()],
});

export function makeModelItem(id) {
  const { text, x, y } = makeItem(id);
  const item = new Item();
  item.id = id;
  item.text = text;
  item.x = x;
  item.y = y;
  return item;
}

/** Throws unless `item` is the one expected, revived. */
export function checkModelItem(item, id) {
  if (!(item instanceof Item)) throw new Error(`expected an Item, got ${JSON.stringify(item)}`);
  checkItem(item, id);
}
