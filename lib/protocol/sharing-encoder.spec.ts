import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIRST_ITEM, FrameType } from './frames.js';
import type { ModelType } from './model-type.js';
import { MAX_RUN_STREAMS } from './shared-runs.js';
import { CodecPair } from './spec/codec-pair.js';
import { Line, Point, TestModels } from './spec/test-models.js';
import type { CodecName } from './version.js';

const DEPTH = 16;
/** What the peers of narrow connections take. */
const NARROW_BYTES = 120;

type Refused = 'nowhere' | 'narrow' | 'everywhere';
type Kind = readonly [refused: Refused, make: (step: number) => object];

const deep = (levels: number): unknown => (levels === 0 ? 'deep' : [deep(levels - 1)]);

/** The first two may be changed. */
const SHARED: readonly Kind[] = [
  ['nowhere', () => ({ x: 0, y: [0] })],
  ['nowhere', () => Point.at(1, 0)],
  ['nowhere', () => Line.through(Point.at(1, 2), Point.at(3, 4))],
  // On a narrow connection small enough, but too long to be known so without counting its bytes.
  ['nowhere', () => ({ x: 'é'.repeat(35) })],
  ['narrow', () => Point.at('x'.repeat(NARROW_BYTES), 0)],
  ['everywhere', () => Line.through(Point.at(deep(2 * DEPTH), 0))],
];

const OWN: readonly Kind[] = [
  ['nowhere', (step) => ({ step })],
  ['nowhere', (step) => Point.at(step, 'own')],
  ['narrow', (step) => ({ step, text: 'x'.repeat(NARROW_BYTES) })],
  ['everywhere', (step) => Point.at(step, Line.through(Point.at(() => 0, 0)))],
];

/** To `send` is to share and to take. */
interface Step {
  readonly does: 'share' | 'send' | 'write' | 'end' | 'change' | 'take';
  readonly kind: number;
  readonly streams: readonly number[];
  readonly to: readonly number[];
}

const few = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
const crowd = Array.from({ length: MAX_RUN_STREAMS + 4 }, (_, i) => i + 1);
const anyStep: fc.Arbitrary<Step> = fc.record({
  does: fc.constantFrom('share', 'share', 'send', 'send', 'write', 'end', 'change', 'take'),
  kind: fc.nat(11),
  streams: fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom([1], [1, 2]) },
    { weight: 20, arbitrary: few },
    { weight: 1, arbitrary: fc.constantFrom(crowd, crowd.toReversed()) },
  ),
  to: fc.subarray([0, 1, 2, 3, 4, 5], { minLength: 1 }),
});

/** Notes which classes it is told of. */
class PeerModels extends TestModels {
  readonly announced: string[] = [];

  override typeNamed(name: string): ModelType | undefined {
    this.announced.push(name);
    return super.typeNamed(name);
  }
}

/** A connection, and what each of its streams was told, noted as plainly as can be. */
class Connection {
  readonly peer = new PeerModels(70).add(Line).add(Point);
  readonly written = new Map<number, unknown[]>();
  readonly arrived = new Map<number, unknown[]>();
  readonly #both: CodecPair;
  readonly #isNarrow: boolean;
  #isEmpty = true;

  constructor(codec: CodecName, sender: TestModels, isNarrow: boolean) {
    const encoderLimits = { depth: DEPTH };
    this.#both = new CodecPair({ codec, sender, receiver: this.peer, encoderLimits });
    this.#isNarrow = isNarrow;
    if (isNarrow) this.#both.encoder.maxFrameBytes = NARROW_BYTES;
  }

  /** Whether its size says that nothing was gathered, when it is so and only then. */
  get countsRight(): boolean {
    return (this.#both.encoder.size === 0) === this.#isEmpty;
  }

  item(stream: number, item: object, refused: Refused): void {
    if (refused === 'everywhere' || (refused === 'narrow' && this.#isNarrow)) {
      return expect(() => this.#both.encoder.item(stream, item)).toThrow(TypeError);
    }
    this.#both.encoder.item(stream, item);
    note(this.written, stream, Object.assign(Object.create(Object.getPrototypeOf(item)), item));
    this.#isEmpty = false;
  }

  end(stream: number): void {
    this.#both.encoder.frame([FrameType.end, stream]);
    note(this.written, stream, 'end');
    this.#isEmpty = false;
  }

  take(): void {
    const message = this.#both.encoder.take();
    expect(message === undefined).toBe(this.#isEmpty);
    this.#isEmpty = true;
    for (const { frame, problem } of message === undefined ? [] : this.#both.decode(message)) {
      if (problem !== undefined) throw problem;
      const [type, stream] = frame as [number, number];
      const isEnd = type === FrameType.end;
      note(this.arrived, stream, ...(isEnd ? ['end'] : frame.slice(FIRST_ITEM)));
    }
  }
}

function note(notes: Map<number, unknown[]>, stream: number, ...what: unknown[]): void {
  const before = notes.get(stream);
  if (before === undefined) notes.set(stream, what);
  else before.push(...what);
}

function play(steps: readonly Step[]): void {
  const sender = new TestModels(1).add(Point).add(Line);
  const shared = SHARED.map(([, make]) => sender.share(make(0)));
  const connections = (['json', 'msgpack'] as const).flatMap((codec) =>
    [false, false, true].map((isNarrow) => new Connection(codec, sender, isNarrow)),
  );
  for (const [i, step] of steps.entries()) {
    if (step.does === 'change') Object.assign(shared[step.kind % 2] as object, { y: i });
    for (const to of step.to) doStep(connections[to] as Connection, step, i, shared);
    for (const { countsRight } of connections) expect(countsRight).toBe(true);
  }
  for (const connection of connections) {
    connection.take();
    const { announced } = connection.peer;
    expect(announced).toHaveLength(new Set(announced).size);
    expect(connection.arrived).toStrictEqual(connection.written);
  }
}

function doStep(to: Connection, step: Step, i: number, shared: readonly object[]): void {
  const { does, kind } = step;
  for (const stream of step.streams) {
    if (does === 'end') to.end(stream);
    if (does === 'write') writeOwn(to, stream, OWN[kind % OWN.length] as Kind, i);
    if (does === 'share' || does === 'send') {
      const place = kind % SHARED.length;
      to.item(stream, shared[place] as object, (SHARED[place] as Kind)[0]);
    }
  }
  if (does === 'take' || does === 'send') to.take();
}

function writeOwn(to: Connection, stream: number, [refused, make]: Kind, step: number): void {
  to.item(stream, make(step), refused);
}

describe('Encoders that share items', () => {
  it('tell every stream of every connection what was written to it, types announced once', () => {
    fc.assert(fc.property(fc.array(anyStep, { maxLength: 40 }), play), { numRuns: 300 });
  });
});
