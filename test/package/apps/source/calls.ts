import { createStreamingClient, StreamController } from 'nestjs-streaming/client';
import type { ExampleController } from './app.js';
import { Point } from './point.js';

/** One call of each shape, and what came of them. */
export async function callExample(url: string) {
  const client = createStreamingClient<{ example: ExampleController }>({ url, models: [Point] });

  const numbers = new StreamController<number>();
  const output = client.example.double(numbers);
  numbers.add(1);
  numbers.add(2);
  numbers.close();
  const doubled: number[] = [];
  for await (const number of output) doubled.push(number);

  const points: Point[] = [];
  for await (const point of client.example.diagonal(2)) points.push(point);

  const sum = await client.example.sum(10, toStream(points));
  await client.example.publish('done');
  client.close();
  return { doubled, points, areInstances: points.every((it) => it instanceof Point), sum };
}

async function* toStream<T>(items: T[]): AsyncGenerator<T> {
  yield* items;
}
