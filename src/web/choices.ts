/** A row of radio buttons that looks like a switch. */
export function drawChoices(
  root: HTMLElement,
  name: string,
  choices: readonly { readonly id: string; readonly label: string }[],
  chosen: string | undefined,
  onChoose: (id: string) => void,
): void {
  root.replaceChildren(
    ...choices.map(({ id, label }) => {
      const input = document.createElement('input');
      input.type = 'radio';
      input.name = name;
      input.value = id;
      input.checked = id === chosen;
      input.addEventListener('change', () => onChoose(id));
      const text = document.createElement('span');
      text.textContent = label;
      const element = document.createElement('label');
      element.append(input, text);
      return element;
    }),
  );
}
