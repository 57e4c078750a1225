import { describe, expect, it } from 'vitest';
import { Serializable } from '../../lib/index.js';
import { serializableClasses } from '../../lib/model/registry.js';
import type { CodecName } from '../../lib/protocol/version.js';
import { collect, failure, startApp } from './app.js';
import {
  GildedLeaf,
  grown,
  Leaf,
  ModelsController,
  of,
  RINGS,
  rings,
  start,
  Tree,
  WorseFault,
} from './trees.js';

const CODECS: CodecName[] = ['json', 'msgpack'];

describe.each(CODECS)('A model with a field of every kind, over %s', (codec) => {
  it('is equal on both sides, nested ones and instances of their classes included', async () => {
    const { models, controller } = await start(codec);
    const tree = Object.assign(new Tree(), { child: new Tree(), optional: 'there' });
    for (const echo of [
      (await collect(models.echo(of(tree))))[0],
      await models.value(tree),
      ...((await models.value([tree, { deep: new Map([['k', tree]]) }])) as unknown[]).slice(0, 1),
    ] as Tree[]) {
      expect(echo).toStrictEqual(tree);
      expect(echo.child?.kept).toEqual(new Set([Leaf.of(5)]));
      expect([...(echo.child?.kept ?? [])][0]).toBeInstanceOf(Leaf);
      expect(echo.byName.get('a')).toBeInstanceOf(Leaf);
      expect(Object.is(echo.numbers[2], -0)).toBe(true);
    }
    expect(controller.seen.slice(0, 2)).toStrictEqual([tree, tree]);
  });

  it('keeps a subclass where its parent is declared, nested, in containers, in exceptions', async () => {
    const { models } = await start(codec);
    const gilded = Object.assign(new GildedLeaf(), { n: 9 });
    const tree = Object.assign(new Tree(), { leaf: gilded, leaves: [gilded, Leaf.of(1)] });
    tree.byName.set('g', gilded);
    const echo = (await models.value(tree)) as Tree;
    expect([echo.leaf, echo.leaves[0], echo.byName.get('g')]).toStrictEqual([
      gilded,
      gilded,
      gilded,
    ]);
    expect(echo.leaves[1]).not.toBeInstanceOf(GildedLeaf);
    expect(await collect(models.leaves(of<Leaf>(gilded, Leaf.of(2))))).toStrictEqual([
      gilded,
      Leaf.of(2),
    ]);
    const error = (await failure(models.throws('worse') as never)) as unknown as WorseFault;
    expect(error.where).toStrictEqual(Object.assign(new GildedLeaf(), { n: 7 }));
  });
});

describe.each(CODECS)('A model that is changed after it was yielded, over %s', (codec) => {
  it('is sent as it was, deep down, with interceptors around the call and without', async () => {
    const { models } = await start(codec);
    expect((await collect(models.growing())).map(rings)).toEqual(RINGS);
    expect((await collect(models.growingIntercepted())).map(rings)).toEqual(RINGS);
  });

  it('is sent as it was by the client, too', async () => {
    const { models, controller } = await start(codec);
    await collect(models.echo(changing()));
    expect(controller.seen.map(rings)).toEqual(RINGS);
  });
});

async function* changing(): AsyncGenerator<Tree> {
  const tree = Object.assign(new Tree(), { child: new Tree() });
  for (let i = 0; i < 3; i++) yield grown(tree, i);
}

describe.each(CODECS)('What no class declares, over %s', (codec) => {
  const extra = () => Object.assign(Leaf.of(1), { extra: true });

  it('is stripped from arguments and items, nested ones too, where that is configured', async () => {
    const { models, controller } = await start(codec, { validation: { whitelist: true } });
    await models.value(extra());
    await collect(models.leaves(of(extra())));
    await models.value([{ deep: extra() }]);
    const leaf = Leaf.of(1);
    expect(controller.seen).toStrictEqual([leaf, leaf, [{ deep: leaf }]]);
  });

  it('is refused in arguments and items, nested ones too, where that is configured', async () => {
    const validation = { whitelist: true, forbidNonWhitelisted: true };
    const { models, controller } = await start(codec, { validation });
    const told = { code: 'invalid-argument', data: [{ property: 'extra' }] };
    expect(await failure(models.value(extra()) as never)).toMatchObject(told);
    expect(await failure(models.leaves(of(extra())))).toMatchObject(told);
    expect(await failure(models.value([{ deep: extra() }]) as never)).toMatchObject(told);
    expect(controller.seen).toEqual([]);
    expect(await models.value(1)).toBe(1);
  });
});

describe('Two registered classes with one name', () => {
  it('fail the start of the application with a sentence', async () => {
    @Serializable('CasesTwin')
    class One {}
    @Serializable('CasesTwin')
    class Other {}
    try {
      await expect(startApp({ controllers: [ModelsController] })).rejects.toThrow(
        'Two model classes have the name "CasesTwin"',
      );
    } finally {
      for (const twin of [One, Other]) serializableClasses().delete(twin);
    }
  });
});

describe.each(CODECS)('A class that the other side does not know, over %s', (codec) => {
  it('fails that call of the client, with a sentence that names it', async () => {
    const { connect } = await start(codec);
    const { models } = connect<{ models: ModelsController }>({ codec, models: [] });
    const sibling = models.echo(of('alive'));
    for (const error of [
      await failure(models.growing()),
      await failure(models.estate() as never),
    ]) {
      expect(error).toMatchObject({
        code: 'invalid-argument',
        message: expect.stringMatching(/"Cases(Tree|Leaf|Estate|Owner)"/),
      });
    }
    expect(await collect(sibling)).toEqual(['alive']);
  });
});
