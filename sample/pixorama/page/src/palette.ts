import { COLORS, toCss } from './colors.js';

/** The colours as radio buttons: Tab and the arrow keys work as everywhere. */
export class Palette {
  #selected: number;
  readonly #fieldset: HTMLFieldSetElement;
  readonly #name: HTMLOutputElement;

  constructor(fieldset: HTMLFieldSetElement, name: HTMLOutputElement, selected: number) {
    this.#fieldset = fieldset;
    this.#name = name;
    this.#selected = selected;
  }

  /** The colour to draw with. */
  get colorIndex(): number {
    return this.#selected;
  }

  get css(): string {
    const color = COLORS[this.#selected];
    return color === undefined ? 'transparent' : toCss(color);
  }

  /** Puts the swatches into the page. */
  render(): void {
    COLORS.forEach((color, index) => {
      this.#fieldset.append(this.#swatch(color.name, toCss(color), index));
    });
    this.#select(this.#selected);
  }

  #swatch(name: string, css: string, index: number): HTMLLabelElement {
    const input = document.createElement('input');
    input.type = 'radio';
    input.name = 'color';
    input.value = String(index);
    input.checked = index === this.#selected;
    input.ariaLabel = name;
    input.addEventListener('change', () => this.#select(index));
    const label = document.createElement('label');
    label.title = name;
    label.style.setProperty('--color', css);
    label.append(input);
    return label;
  }

  #select(index: number): void {
    this.#selected = index;
    this.#name.value = COLORS[index]?.name ?? '';
    this.#name.style.setProperty('--color', this.css);
  }
}
