import { makeItems } from '../item.mjs';
import { serve } from './nest-app.mjs';

class BenchController {
  ready() {}

  items(count) {
    return makeItems(count ?? Number.POSITIVE_INFINITY);
  }

  async *echo(stream) {
    for await (const item of stream) yield item;
  }
}

export function listen() {
  return serve(BenchController, { ready: {}, items: {}, echo: {} });
}
