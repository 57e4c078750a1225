import { Controller, Module } from '@nestjs/common';
import {
  MessageBus,
  StreamingMethod,
  StreamingModule,
  StreamingSession,
  StreamParam,
  StreamSession,
} from 'nestjs-streaming';
import { Point } from './point.js';

@Controller()
export class ExampleController {
  constructor(private readonly bus: MessageBus) {}

  @StreamingMethod()
  async *double(numbers: AsyncIterable<number>) {
    for await (const number of numbers) yield number * 2;
  }

  @StreamingMethod()
  async sum(
    start: number,
    @StreamParam(() => Point) points: AsyncIterable<Point>,
  ): Promise<number> {
    let sum = start;
    for await (const point of points)
      sum += point instanceof Point ? point.x + point.y : Number.NaN;
    return sum;
  }

  @StreamingMethod({ yields: () => Point })
  async *diagonal(@StreamSession() session: StreamingSession, length: number) {
    if (session.method !== 'diagonal') throw new Error('The session belongs to another call.');
    for (let i = 0; i < length; i++) yield new Point(i, i);
  }

  @StreamingMethod()
  async publish(word: string): Promise<void> {
    this.bus.publish('words', word);
  }
}

@Module({ imports: [StreamingModule.forRoot()], controllers: [ExampleController] })
export class AppModule {}
