import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Backoff } from './backoff.js';

/** A random number that is always the same. */
const always = (value: number) => () => value;

describe('Backoff', () => {
  it('doubles its bound with each failure in a row, up to the longest', () => {
    const backoff = new Backoff({ firstMs: 100, maxMs: 1_000 }, always(1));
    expect(backoff.waitMs(0)).toBe(0);
    const waits = Array.from({ length: 7 }, () => {
      backoff.failed(0);
      return backoff.waitMs(0);
    });
    expect(waits).toEqual([100, 200, 400, 800, 1_000, 1_000, 1_000]);
  });

  it('begins with 250 ms and goes to 30 s by default', () => {
    const backoff = new Backoff({}, always(1));
    backoff.failed(0);
    expect(backoff.waitMs(0)).toBe(250);
    for (let i = 0; i < 2_000; i++) backoff.failed(0);
    expect(backoff.waitMs(0)).toBe(30_000);
  });

  it('waits as after many failures when the next attempt is hopeless', () => {
    const backoff = new Backoff({ firstMs: 100, maxMs: 1_000 }, always(1));
    backoff.failed(0, true);
    expect(backoff.waitMs(0)).toBe(1_000);
  });

  it('counts the wait from the failure, and no time twice', () => {
    const backoff = new Backoff({ firstMs: 100 }, always(0.5));
    backoff.failed(1_000);
    expect([1_000, 1_030, 1_050, 9_999].map((now) => backoff.waitMs(now))).toEqual([50, 20, 0, 0]);
  });

  it('begins anew once a connection has stood for a while', () => {
    const backoff = new Backoff({ firstMs: 100 }, always(1));
    for (let i = 0; i < 3; i++) backoff.failed(0);
    backoff.succeeded(1_000);
    expect(backoff.waitMs(1_000)).toBe(0);
    backoff.failed(1_400);
    expect(backoff.waitMs(1_400)).toBe(100);
  });

  it('does not begin anew with a server that welcomes its clients and drops them', () => {
    const backoff = new Backoff({ firstMs: 100, maxMs: 1_000 }, always(1));
    const waits = Array.from({ length: 5 }, () => {
      backoff.failed(0);
      const wait = backoff.waitMs(0);
      backoff.succeeded(0);
      return wait;
    });
    expect(waits).toEqual([100, 200, 400, 800, 1_000]);
  });

  it('spreads the clients of a server over the whole bound, so that they come back as no herd', () => {
    const clients = Array.from({ length: 2_000 }, () => new Backoff({ firstMs: 250 }));
    for (const client of clients) for (let i = 0; i < 3; i++) client.failed(0);
    const tenths = Array<number>(10).fill(0);
    for (const client of clients) {
      const tenth = Math.floor(client.waitMs(0) / 100);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    expect(tenths).toHaveLength(10);
    for (const count of tenths) expect(count).toBeGreaterThan(100);
  });

  it('never waits less than nothing or more than its bound', () => {
    const anyEvent = fc.constantFrom('failed' as const, 'hopeless' as const, 'succeeded' as const);
    const anyRandom = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(anyEvent, fc.nat(5_000))), anyRandom, (events, random) => {
        const backoff = new Backoff({ firstMs: 10, maxMs: 500 }, always(random));
        let now = 0;
        for (const [event, ms] of events) {
          now += ms;
          if (event === 'succeeded') backoff.succeeded(now);
          else backoff.failed(now, event === 'hopeless');
          const wait = backoff.waitMs(now);
          expect(wait).toBeGreaterThanOrEqual(0);
          expect(wait).toBeLessThan(event === 'succeeded' ? 1 : 500 * random + 1);
        }
      }),
    );
  });
});
