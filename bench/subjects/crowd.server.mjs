import { setTimeout as sleep } from 'node:timers/promises';
import { LargeItems, makeLargeItem } from '../large-item.mjs';
import { serve } from './nest-app.mjs';

const PAUSE_MS = 1000;

class CrowdController {
  ready() {}

  async *items() {
    for (let id = 0; ; id++) yield makeLargeItem(id);
  }

  /** Takes one item a second at first, from each input in turn, then all as fast as they come. */
  async take(slowItems, ...streams) {
    const inputs = streams.map((stream) => new LargeItems(stream));
    for (let i = 0; i < slowItems; i++) {
      await inputs[i % inputs.length].read(1);
      await sleep(PAUSE_MS);
    }
    return Promise.all(inputs.map((input) => input.read()));
  }
}

export function listen() {
  return serve(CrowdController, { ready: {}, items: {}, take: {} });
}
