import { Serializable } from 'nestjs-streaming/client';
import { checkModelItem, Item, makeModelItem } from '../model-item.mjs';
import { StreamingLoad } from './streaming.client.mjs';

Serializable()(Item);

export function connect(options) {
  const items = { make: makeModelItem, check: checkModelItem };
  return StreamingLoad.connect({ ...options, models: [Item] }, items);
}
