import { describe, expect, it } from 'vitest';
import { checkRedisConfig, resolveRedisBusOptions } from './redis-options.js';

describe('The options of the bus', () => {
  it('have defaults, and keep what is given', () => {
    expect(
      resolveRedisBusOptions({ prefix: 'x:', lingerMs: 0, startup: undefined as never }),
    ).toEqual({ ...resolveRedisBusOptions(), prefix: 'x:', lingerMs: 0 });
  });

  const wrong: readonly [unknown, RegExp][] = [
    [{ colour: 1 }, /bus\.colour is unknown: there are prefix, startup/],
    [{ prefix: 5 }, /the option bus\.prefix must be a string without '\{', not 5\./],
    [{ prefix: '{a}' }, /bus\.prefix must be a string without/],
    [{ startup: 'maybe' }, /bus\.startup must be 'fail' or 'wait', not the text "maybe"/],
    [{ onUnavailable: true }, /bus\.onUnavailable must be 'fail' or 'local', not true/],
    [{ publishTimeoutMs: 0 }, /bus\.publishTimeoutMs must be a whole number from 1 to 2147483647/],
    [
      { maxMessageBytes: 1.5 },
      /bus\.maxMessageBytes must be a whole number from 1 to .*, not 1\.5/,
    ],
    [{ lingerMs: -1 }, /bus\.lingerMs must be a whole number from 0/],
    [{ probeTimeoutMs: '9' }, /bus\.probeTimeoutMs must be/],
    ['redis://x', /the option bus must be an object, not the text "redis:\/\/x"/],
    [null, /the option bus must be an object/],
  ];

  it.each(wrong)('refuse %j with a sentence that names the option', (given, sentence) => {
    expect(() => resolveRedisBusOptions(given as never)).toThrow(sentence);
    expect(() => resolveRedisBusOptions(given as never)).toThrow(TypeError);
  });
});

describe('The option redis', () => {
  it('takes a URL, options, nodes and a factory', () => {
    const node = { host: 'a', port: 1 };
    for (const redis of ['redis://a', { port: 1 }, {}, { nodes: [node] }, () => {}])
      expect(() => checkRedisConfig(redis)).not.toThrow();
  });

  const wrong: readonly [unknown, RegExp][] = [
    ['', /the option redis is an empty text: leave it out/],
    [6379, /the option redis must be .*, not 6379/],
    [null, /the option redis must be/],
    [[], /the option redis must be .*, not an object of that kind/],
    [{ nodes: [] }, /redis\.nodes must be an array with at least one node/],
    [{ nodes: { password: 'secret' } }, /redis\.nodes must be an array/],
    [{ keyPrefix: 'x' }, /redis\.keyPrefix can't be used: set bus\.prefix instead/],
    [{ nodes: ['a'], options: { keyPrefix: 'x' } }, /redis\.options\.keyPrefix can't be used/],
    [
      { nodes: ['a'], options: { redisOptions: { keyPrefix: 'x' } } },
      /redis\.options\.redisOptions\.keyPrefix can't be used/,
    ],
  ];

  it.each(wrong)('refuses %j with a sentence', (given, sentence) => {
    expect(() => checkRedisConfig(given)).toThrow(sentence);
    expect(() => checkRedisConfig(given)).not.toThrow(/secret/);
  });
});
