import { Serializable, StreamParam } from 'nestjs-streaming';
import { makeItems } from '../item.mjs';
import { Item, makeModelItem } from '../model-item.mjs';
import { serve } from './nest-app.mjs';

/** The same with types: instances go out, and what comes in is made an instance and validated. */
class BenchController {
  ready() {}

  items(count) {
    return makeItems(count ?? Number.POSITIVE_INFINITY, makeModelItem);
  }

  async *echo(stream) {
    for await (const item of stream) yield item;
  }
}

Serializable()(Item);
StreamParam(() => Item)(BenchController.prototype, 'echo', 0);

export function listen() {
  const typed = { yields: () => Item };
  return serve(BenchController, { ready: {}, items: typed, echo: typed });
}
