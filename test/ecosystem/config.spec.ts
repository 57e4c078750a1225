import { Injectable } from '@nestjs/common';
import { ConfigModule, ConfigService, type ConfigType, registerAs } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import {
  StreamingMethod,
  StreamingModule,
  type StreamingModuleAsyncOptions,
  type StreamingModuleOptions,
  type StreamingOptionsFactory,
} from '../../lib/index.js';
import { StreamingServer } from '../../lib/server/streaming-server.js';
import { connectTo, failure, listen } from '../nest/app.js';

@Injectable()
class PingService {
  @StreamingMethod()
  ping(): string {
    return 'pong';
  }
}

const values = { STREAMING_PATH: '/live', STREAMING_CALLS: 7 };
const configModule = ConfigModule.forRoot({ ignoreEnvFile: true, load: [() => values] });

/** A namespace of the configuration, as Nest's documentation has it. */
const streamingConfig = registerAs(
  'streaming',
  (): StreamingModuleOptions => ({ path: '/live', limits: { callsPerConnection: 7 } }),
);

@Injectable()
class StreamingConfig implements StreamingOptionsFactory {
  constructor(private readonly config: ConfigService) {}

  createStreamingOptions(): StreamingModuleOptions {
    return toOptions(this.config);
  }
}

function toOptions(config: ConfigService): StreamingModuleOptions {
  return {
    path: config.getOrThrow<string>('STREAMING_PATH'),
    limits: { callsPerConnection: config.getOrThrow<number>('STREAMING_CALLS') },
  };
}

async function start(options: StreamingModuleAsyncOptions) {
  const module = await Test.createTestingModule({
    imports: [StreamingModule.forRootAsync(options)],
    providers: [PingService],
  }).compile();
  return listen(module.createNestApplication());
}

describe('ConfigModule', () => {
  it.each<[string, StreamingModuleAsyncOptions]>([
    [
      'by useFactory',
      { imports: [configModule], inject: [ConfigService], useFactory: toOptions as never },
    ],
    ['by useClass', { imports: [configModule], useClass: StreamingConfig }],
    [
      'by a namespace',
      {
        imports: [ConfigModule.forFeature(streamingConfig)],
        inject: [streamingConfig.KEY],
        useFactory: (config: ConfigType<typeof streamingConfig>) => config,
      },
    ],
    ["by a namespace's asProvider()", streamingConfig.asProvider()],
  ])('gives the options %s', async (_, options) => {
    const { app, port } = await start(options);
    const client = connectTo<{ ping: PingService }>(port, { url: `ws://127.0.0.1:${port}/live` });
    expect(await client.ping.ping()).toBe('pong');
    expect(app.get(StreamingServer, { strict: false }).limits.callsPerConnection).toBe(7);
  });

  it('that gives an option that makes no sense fails the start', async () => {
    const error = await failure(start({ useFactory: () => ({ path: 'live' }) }));
    expect(error.message).toMatch('the option path must begin with a slash');
  });
});
