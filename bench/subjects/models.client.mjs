import { checkModelItem, Item, makeModelItem } from '../model-item.mjs';
import { StreamingLoad } from './streaming.client.mjs';

export function connect(options) {
  const items = { make: makeModelItem, check: checkModelItem };
  return StreamingLoad.connect({ ...options, models: [Item] }, items);
}
