import type { COLOR_COUNT } from '../../src/image.js';

/** One of the 16 colours a pixel's byte stands for. */
export interface Color {
  readonly name: string;
  readonly rgb: readonly [red: number, green: number, blue: number];
}

/** The palette, in the order of the pixels' bytes; 2 is the paper everything starts as. */
export const COLORS: readonly Color[] & { readonly length: typeof COLOR_COUNT } = [
  { name: 'Ink', rgb: [0x1b, 0x1c, 0x28] },
  { name: 'Slate', rgb: [0x5d, 0x64, 0x79] },
  { name: 'Paper', rgb: [0xfa, 0xf6, 0xec] },
  { name: 'Stone', rgb: [0xbd, 0xb8, 0xad] },
  { name: 'Cherry', rgb: [0xd9, 0x30, 0x4f] },
  { name: 'Tangerine', rgb: [0xf2, 0x79, 0x2f] },
  { name: 'Sun', rgb: [0xf9, 0xc4, 0x40] },
  { name: 'Lime', rgb: [0xa6, 0xcf, 0x3f] },
  { name: 'Leaf', rgb: [0x2f, 0x9e, 0x5b] },
  { name: 'Teal', rgb: [0x14, 0xa3, 0xa0] },
  { name: 'Sky', rgb: [0x4c, 0xb7, 0xf0] },
  { name: 'Cobalt', rgb: [0x2f, 0x5f, 0xd6] },
  { name: 'Violet', rgb: [0x7a, 0x4f, 0xd0] },
  { name: 'Orchid', rgb: [0xcf, 0x6f, 0xd2] },
  { name: 'Rose', rgb: [0xf7, 0xa8, 0xb4] },
  { name: 'Cocoa', rgb: [0x8a, 0x4f, 0x32] },
];

/** A colour as CSS writes it. */
export function toCss(color: Color): string {
  return `rgb(${color.rgb.join(' ')})`;
}
