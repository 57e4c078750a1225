import { describe, expect, it } from 'vitest';
import { ModelRegistry, Serializable } from '../../lib/model/registry.js';
import { CloseCode, mayReconnect } from '../../lib/protocol/close-codes.js';
import { MAX_ENTRIES } from '../../lib/protocol/collections.js';
import { createDecoder } from '../../lib/protocol/create-codec.js';
import {
  dispatchFrame,
  FIRST_ITEM,
  type FrameHandler,
  FrameType,
} from '../../lib/protocol/frames.js';
import { DEFAULT_LIMITS } from '../../lib/protocol/limits.js';
import { MAX_RUN_STREAMS } from '../../lib/protocol/shared-runs.js';
import { ERROR_CODES, type StreamError } from '../../lib/protocol/stream-error.js';
import { ProtocolViolation } from '../../lib/protocol/violation.js';
import { bare, type Example, readExamples, readTable, type Side } from './page.js';

@Serializable()
class ImageUpdate {
  pixelIndex = 0;
  colorIndex = 0;
}

interface Decoded {
  readonly frame: unknown[];
  readonly problem: StreamError | undefined;
}

const examples = readExamples();
const frameTable = readTable('## 4 The frames').map(([no, frame, from]) => ({
  type: Number(no),
  name: /\[(\w+)\]/.exec(frame ?? '')?.[1] ?? '',
  from: from as Side | 'both',
}));

function decode({ codec, message, from }: Example): Decoded[] {
  const decoded: Decoded[] = [];
  const mayList = from === 'server';
  const decoder = createDecoder(codec, new ModelRegistry([ImageUpdate]), DEFAULT_LIMITS, mayList);
  decoder.decode(message, (frame, problem) => decoded.push({ frame, problem }));
  return decoded;
}

/** Hands a frame to a side that has all the methods a real one has; tells which was called. */
function dispatch({ frame, problem }: Decoded, to: Side): string | undefined {
  let called: string | undefined;
  const note = (name: string) => () => {
    called = name;
  };
  const both = ['item', 'unreadable', 'end', 'error', 'cancel', 'credit', 'credentials'];
  const own = to === 'server' ? ['hello', 'open'] : ['welcome', 'opened', 'drain'];
  const handler = Object.fromEntries([...both, ...own].map((name) => [name, note(name)]));
  dispatchFrame(frame, problem, handler as unknown as FrameHandler);
  return called;
}

const isKeepAlive = ({ frame }: Decoded) =>
  frame[0] === FrameType.ping || frame[0] === FrameType.pong;

describe('The examples of PROTOCOL.md', () => {
  it('show every frame, from each side that sends it or from one of both', () => {
    const shown = new Set(examples.flatMap(decode).map(({ frame }) => frame[0]));
    const all = frameTable.map(({ type }) => type);
    expect([...shown, FrameType.types].sort()).toEqual(all.sort());
  });

  describe.each(examples)('under "$under", $codec from the $from', (example) => {
    const receiver = example.from === 'client' ? 'server' : 'client';

    it('are decoded without a problem and taken by the side they go to', () => {
      for (const decoded of decode(example)) {
        expect(decoded.problem).toBeUndefined();
        if (isKeepAlive(decoded)) continue;
        const name = frameTable[decoded.frame[0] as number]?.name;
        expect(dispatch(decoded, receiver)).toBe(name);
      }
    });

    it('are refused by the sender where the table gives the frame one direction', () => {
      for (const decoded of decode(example)) {
        const { from } = frameTable[decoded.frame[0] as number] ?? {};
        if (from === 'both') continue;
        expect(from).toBe(example.from);
        expect(() => dispatch(decoded, example.from)).toThrow(ProtocolViolation);
      }
    });
  });

  it('tell the exact sizes of their items', () => {
    const json = examples.filter(({ codec }) => codec === 'json');
    const frames = json.flatMap(({ message }) => JSON.parse(message as string) as unknown[][]);
    const runs = frames.filter(([type]) => type === FrameType.item);
    expect(runs.length).toBeGreaterThan(2);
    for (const run of runs) {
      const sizes = run.slice(FIRST_ITEM).map((item) => JSON.stringify(item).length);
      expect({ run, size: run[2] }).toEqual({ run, size: sizes.reduce((a, b) => a + b) });
    }
  });

  it('make an instance of the type they announce', () => {
    const items = examples.filter(({ under }) => under === 'types').flatMap(decode);
    expect(items[0]?.frame[FIRST_ITEM]).toBeInstanceOf(ImageUpdate);
  });

  it('mean the values that stand beside them', () => {
    const [json, , , msgpack] = examples.filter(({ under }) => under.startsWith('5.'));
    if (json === undefined || msgpack === undefined) throw new Error('an example is missing');
    const date = new Date(1_700_000_000_000);
    const bytes = Uint8Array.of(0, 1, 255);
    const map = new Map([['a', new Set([1])]]);
    expect(decode(json)[0]?.frame[3]).toStrictEqual([
      date,
      -12n,
      bytes,
      map,
      undefined,
      Number.NaN,
      { $: 1 },
    ]);
    expect(decode(msgpack)[0]?.frame[3]).toStrictEqual([bytes, new Date(0)]);
  });

  it('show an instance by places and by names', () => {
    const update = Object.assign(new ImageUpdate(), { pixelIndex: 9, colorIndex: 3 });
    for (const section of ['5.1', '5.2']) {
      const shown = examples.filter(({ under }) => under.startsWith(section)).at(-1);
      expect(shown && decode(shown)[0]?.frame.slice(FIRST_ITEM)).toStrictEqual([update, update]);
    }
  });
});

describe('The tables of PROTOCOL.md', () => {
  it('name the frames by the numbers of the code', () => {
    expect(Object.fromEntries(frameTable.map(({ name, type }) => [name, type]))).toEqual(FrameType);
    expect(frameTable.map(({ type }) => type)).toEqual(frameTable.map((_, i) => i));
  });

  it('hold the error codes of the code', () => {
    const codes = readTable('## 7 Errors').map(([code]) => bare(code));
    expect(codes).toEqual([...ERROR_CODES]);
  });

  it('hold the close codes of the code, beside those that WebSockets have of themselves', () => {
    const codes = readTable('## 8 Close codes').map(([code]) => Number(code));
    const ours = codes.filter((code) => code !== 1006 && code !== 1007);
    expect(ours).toEqual(Object.values(CloseCode).sort((a, b) => a - b));
  });

  it.each(readTable('## 8 Close codes'))(
    'tell of %s (%s) whether a client may reconnect: %s',
    (code, _, reconnect) => {
      expect(mayReconnect(Number(code))).toBe(reconnect?.startsWith('yes'));
    },
  );

  it('hold the limits of the code', () => {
    const kib = (bytes: number) =>
      bytes < 1_048_576 ? `${bytes / 1024} KiB` : `${bytes / 1_048_576} MiB`;
    const count = (number: number) => number.toLocaleString('en');
    const s = (ms: number) => `${ms / 1000} s`;
    const limit = DEFAULT_LIMITS;
    const told: Record<string, string[]> = {
      'a message to the server': [kib(limit.messageBytes)],
      'nesting of a message': [`${limit.depth} levels`],
      'entries of a map or a set': [count(MAX_ENTRIES)],
      'types announced on a connection': [count(limit.types)],
      "length of a type's name": ['256'],
      'streams that one run is for': [count(MAX_RUN_STREAMS)],
      'open calls of a connection': [count(limit.callsPerConnection)],
      'inputs of a call': [count(limit.inputsPerCall)],
      'unread items of a stream': [count(limit.windowItems)],
      'unread bytes of a stream': [kib(limit.windowBytes)],
      'unread bytes of all inputs of a connection, an item counting for 64 more': [
        kib(limit.unreadBytesPerConnection),
      ],
      "frames with a value that can't be read, less those without": [count(limit.unreadableFrames)],
      'credentials presented on a connection': [count(limit.credentialsPerMinute)],
      '`hello` after connecting': [s(limit.helloTimeoutMs)],
      'silence before a ping, and after it': [s(limit.pingIntervalMs), s(limit.pongTimeoutMs)],
      'unsent bytes of a socket': [
        kib(limit.sendBufferBytes),
        kib(limit.stalledBufferBytes),
        s(limit.stalledMs),
      ],
    };
    const rows = readTable('## 9 Limits');
    expect(rows.map(([name]) => name)).toEqual(Object.keys(told));
    for (const [name = '', value = ''] of rows) {
      expect(value.match(/[\d,]*\d( (KiB|MiB|s|levels)\b)?/g)).toEqual(told[name]);
    }
  });
});
