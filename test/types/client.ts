import { from } from 'rxjs';
import type {
  ClientEndpoint,
  ClientStatus,
  OutputStream,
  OutputValue,
  StreamInput,
  StreamingClient,
  StreamingClientControl,
} from '../../lib/client/types.js';
import type { INJECTED, Injected } from '../../lib/model/injected.js';
import type { ModelClass } from '../../lib/model/registry.js';
import type { Equal, Expect } from './expect.js';

declare class StreamingSession {
  readonly [INJECTED]?: true;
}

export class Stroke {
  constructor(readonly width: number) {}
}

declare class ExampleController {
  readonly name: string;
  constructor(bus: object);
  echoStream(stream: AsyncIterable<unknown>): AsyncGenerator<unknown, void, unknown>;
  imageUpdates(session: StreamingSession): AsyncGenerator<Stroke, void, unknown>;
  draw(color: number, user: Injected<string>, strokes: AsyncIterable<Stroke>): Promise<number>;
  onModuleInit(): void;
  onApplicationBootstrap(): Promise<void>;
  onModuleDestroy(): void;
  beforeApplicationShutdown(signal?: string): void;
  onApplicationShutdown(signal?: string): void;
  [Symbol.asyncDispose](): Promise<void>;
  optional?(): void;
  private secret(): void;
  protected inner(): void;
  static create(): ExampleController;
}

declare class AdminController extends ExampleController {
  readonly clear: (force?: boolean) => void;
}

declare class EmptyService {
  readonly size: number;
  onModuleInit(): void;
}

interface ExampleEndpoint {
  readonly echoStream: (stream: StreamInput<unknown>) => OutputStream<unknown>;
  readonly imageUpdates: () => OutputStream<Stroke>;
  readonly draw: (color: number, strokes: StreamInput<Stroke>) => OutputValue<number>;
}

interface Endpoints {
  example: ExampleController;
  admin: AdminController;
  empty: EmptyService;
}

type Client = StreamingClient<Endpoints>;
type Plain<T> = { [K in keyof T]: T[K] };

export type Mapping = [
  Expect<Equal<ClientEndpoint<ExampleController>, Plain<ExampleEndpoint>>>,
  Expect<Equal<keyof Client['admin'], keyof ExampleEndpoint | 'clear'>>,
  Expect<Equal<Client['admin']['clear'], (force?: boolean) => OutputValue<void>>>,
  // biome-ignore lint/complexity/noBannedTypes: the empty object type is what is expected
  Expect<Equal<ClientEndpoint<EmptyService>, {}>>,
  Expect<Equal<keyof Client, keyof Endpoints | keyof StreamingClientControl>>,
  Expect<Equal<StreamingClient<{ close: ExampleController }>['close'], () => Promise<void>>>,
];

declare const client: Client;

/** The client of the README, and what it refuses. */
export async function use(input: AsyncGenerator<Stroke>): Promise<void> {
  const status: ClientStatus = client.status;
  const off: () => void = client.onStatus((now) => now === status);
  const drawn: number = await client.example.draw(3, input);
  client.example.draw(drawn, new ReadableStream<Stroke>());
  client.example.draw(drawn, from([new Stroke(1)]));
  client.example.echoStream(from([1, 'two']));
  for await (const stroke of client.example.imageUpdates())
    client.example.draw(stroke.width, input);

  // @ts-expect-error items of another type
  client.example.draw(1, from(['stroke']));
  // @ts-expect-error items of another type
  client.example.draw(1, new ReadableStream<string>());
  // @ts-expect-error an array is no stream
  client.example.draw(1, [new Stroke(1)]);
  // @ts-expect-error an argument is missing
  client.example.draw(1);
  // @ts-expect-error the session is not the client's to give
  client.example.imageUpdates({});
  // @ts-expect-error no such method
  client.example.erase();
  // @ts-expect-error no such endpoint
  client.other;
  // @ts-expect-error a private method
  client.example.secret();
  // @ts-expect-error the status is read only
  client.status = 'idle';

  off();
  await client.refreshCredentials();
  await client.close();
}

class Pixel {
  constructor(
    readonly index: number,
    readonly color: number,
  ) {}
}

/** Any class may stand in `models`, as any may carry `@Serializable()`. */
export const models: readonly ModelClass[] = [Pixel, Stroke, Date];
