/** Files by choice or by drop: one at a time, or as many as the field takes. */
export function acceptFiles(drop: HTMLElement, input: HTMLInputElement, onFile: (file: File) => void): void {
  const take = (files: FileList | null | undefined): void => {
    const all = [...(files ?? [])];
    for (const file of input.multiple ? all : all.slice(0, 1)) onFile(file);
  };
  input.addEventListener('change', () => {
    take(input.files);
    input.value = '';
  });
  for (const type of ['dragenter', 'dragover'] as const) {
    drop.addEventListener(type, (event) => {
      event.preventDefault();
      drop.dataset.over = '';
    });
  }
  for (const type of ['dragleave', 'drop'] as const) {
    drop.addEventListener(type, () => delete drop.dataset.over);
  }
  drop.addEventListener('drop', (event) => {
    event.preventDefault();
    take(event.dataTransfer?.files);
  });
  // A file dropped beside the field would replace the page.
  for (const type of ['dragover', 'drop'] as const) {
    window.addEventListener(type, (event) => event.preventDefault());
  }
}
