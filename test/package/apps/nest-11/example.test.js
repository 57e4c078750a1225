// Jest as Nest 11 sets it up: CommonJS, no flags, no transformer for packages.
const { NestFactory } = require('@nestjs/core');
const { AppModule } = require('./dist/app.js');
const { callExample } = require('./dist/calls.js');

test('the streaming calls work under jest, from the CommonJS build', async () => {
  expect(require.resolve('nestjs-streaming')).toContain('cjs');
  const app = await NestFactory.create(AppModule, { logger: false });
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address();
  const result = await callExample(`ws://127.0.0.1:${port}/streaming`);
  expect(result.doubled).toEqual([2, 4]);
  await app.close();
});
