/** The page's element with this id. Throws if it isn't there, or is of another kind. */
export function element<E extends HTMLElement>(id: string, kind: new () => E): E {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`The page has no ${kind.name} with the id "${id}".`);
}

/** A new element; texts are put in as texts, never as markup. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className: string,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  if (className !== '') made.className = className;
  made.append(...children);
  return made;
}

/** A new small button that does something; `label` tells those who hear it to whom. */
export function makeButton(text: string, label: string, act: () => void): HTMLButtonElement {
  const button = make('button', 'small', text);
  button.type = 'button';
  button.ariaLabel = label;
  button.addEventListener('click', act);
  return button;
}
