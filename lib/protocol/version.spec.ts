import { describe, expect, it } from 'vitest';
import { chooseSubprotocol, codecOf, SUBPROTOCOLS } from './version.js';

const { json, msgpack } = SUBPROTOCOLS;

describe('chooseSubprotocol', () => {
  it.each([
    [[json, msgpack], json, 'json'],
    [[msgpack, json], msgpack, 'msgpack'],
    [['mqtt', 'nestjs-streaming.v2.json', msgpack], msgpack, 'msgpack'],
  ])('chooses of %j the first it speaks', (offered, subprotocol, codec) => {
    expect(chooseSubprotocol(offered)).toEqual({ kind: 'supported', subprotocol, codec });
  });

  it('names the first of the versions it does not speak, when it speaks none', () => {
    const offered = ['mqtt', 'nestjs-streaming.v3.json', 'nestjs-streaming.v2.json'];
    const subprotocol = 'nestjs-streaming.v3.json';
    expect(chooseSubprotocol(offered)).toEqual({ kind: 'unsupported', subprotocol });
  });

  it.each([[[]], [['']], [['mqtt']], [['nestjs-streaming']], [[json.toUpperCase()]]])(
    'takes %j as another protocol',
    (offered) => {
      expect(chooseSubprotocol(offered)).toEqual({ kind: 'foreign' });
    },
  );
});

describe('codecOf', () => {
  it.each(['', 'constructor', 'json', 'nestjs-streaming.v1.xml'])('knows none for "%s"', (name) => {
    expect(codecOf(name)).toBeUndefined();
  });
});
