import { createRequire } from 'node:module';
import { Controller } from '@nestjs/common';
import { expect, it } from 'vitest';
import { StreamingMethod } from '../../lib/index.js';
import { startApp } from './app.js';

@Controller()
class NewsController {
  @StreamingMethod()
  read() {
    return 'news';
  }
}

const require = createRequire(import.meta.url);

it('Another copy of the package in the process is told of at the start, with both places', async () => {
  const alone = await startApp({ controllers: [NewsController] });
  expect(alone.log.find('warn', 'copies')).toEqual([]);
  require('nestjs-streaming');
  const { log } = await startApp({ controllers: [NewsController] });
  expect(log.find('warn', 'copies')).toEqual([
    expect.stringMatching(
      /^warn There are 2 copies of nestjs-streaming, \S*\/lib and \S*\/dist\/(?:cjs|esm): /,
    ),
  ]);
});
