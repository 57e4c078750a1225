import 'reflect-metadata';
import { Exclude, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsDate,
  IsInt,
  IsOptional,
  IsString,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { decorate } from './decorate.mjs';

/** Four fields, all of them validated. */
export class Flat {
  id;
  text;
  x;
  y;
}
decorate(Flat, {
  id: [IsInt()],
  text: [IsString(), MaxLength(16)],
  x: [IsInt()],
  y: [IsInt()],
});

export class Child {
  x;
  y;
  label;
}
decorate(Child, {
  x: [IsInt(), Min(0)],
  y: [IsInt(), Min(0)],
  label: [IsString(), MaxLength(16)],
});

/** Two dates, an array of twenty children, two exclusions. */
export class Nested {
  id;
  name;
  createdAt;
  updatedAt;
  note;
  secret;
  internal;
  children;
}
decorate(Nested, {
  id: [IsInt()],
  name: [IsString(), MaxLength(40)],
  createdAt: [IsDate(), Type(() => Date)],
  updatedAt: [IsDate(), Type(() => Date)],
  note: [IsOptional(), IsString()],
  secret: [Exclude(), IsOptional(), IsString()],
  internal: [Exclude({ toPlainOnly: true }), IsOptional(), IsInt()],
  children: [IsArray(), ArrayMaxSize(100), ValidateNested({ each: true }), Type(() => Child)],
});

export function makeFlat(id) {
  const text = `item ${id}`.padEnd(16, '.');
  return Object.assign(new Flat(), { id, text, x: id % 1920, y: id % 1080 });
}

export function makeNested(id) {
  const children = Array.from({ length: 20 }, (_, i) =>
    Object.assign(new Child(), { x: (id + i) % 1920, y: (id * i) % 1080, label: `child ${i}` }),
  );
  return Object.assign(new Nested(), {
    id,
    name: `nested ${id}`,
    createdAt: new Date(1_700_000_000_000 + id),
    updatedAt: new Date(1_710_000_000_000 + id),
    note: 'a remark',
    secret: 'not for the wire',
    internal: id,
    children,
  });
}

/**
 * The rest of an app: models that passed both ways before anything is measured, so that the code
 * has met many classes, as it has in a server. Each has two to seven fields of its own.
 */
export function createOtherModels(count) {
  return Array.from({ length: count }, (_, i) => createOtherModel(i));
}

const KINDS = [
  { decorators: [IsInt()], value: 7 },
  { decorators: [IsString()], value: 'text' },
  { decorators: [IsBoolean()], value: true },
  { decorators: [IsDate(), Type(() => Date)], value: new Date(1_700_000_000_000) },
];

function createOtherModel(index) {
  const fields = Array.from({ length: 2 + (index % 6) }, (_, i) => [
    `field${index}_${i}`,
    KINDS[(index + i) % KINDS.length],
  ]);
  const model = class {
    constructor() {
      for (const [name] of fields) this[name] = undefined;
    }
  };
  Object.defineProperty(model, 'name', { value: `Other${index}` });
  for (const [name, { decorators }] of fields) decorate(model, { [name]: decorators });
  const make = () => {
    const entries = fields.map(([name, { value }]) => [name, value]);
    return Object.assign(new model(), Object.fromEntries(entries));
  };
  return { model, make };
}
