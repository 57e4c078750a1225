/** Shows one method of a class's source; long lines wrap under themselves. */
export function renderMethod(target: HTMLElement, source: string, name: string): void {
  target.replaceChildren(...methodLines(source, name).map(toLineElement));
}

function toLineElement(line: string): HTMLElement {
  const shown = document.createElement('span');
  shown.className = 'line';
  const text = line.trimStart();
  shown.style.setProperty('--indent', String(line.length - text.length));
  shown.textContent = text;
  return shown;
}

/**
 * The lines of one method, with its decorators and without the class's indentation. Relies on the
 * formatter: members are indented by two spaces, and end with a brace at that depth.
 */
function methodLines(source: string, name: string): string[] {
  const lines = source.split('\n');
  const named = lines.findIndex((line) => new RegExp(`^ {2}[\\w *]*\\b${name}\\(`).test(line));
  const first = lines.findLastIndex((line, index) => index < named && !/^ {2}@/.test(line)) + 1;
  const last = lines.indexOf('  }', named);
  return lines.slice(first, last + 1).map((line) => line.slice(2));
}
