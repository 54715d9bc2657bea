import { button, make } from '../dom.js';
import { isOpen, type JobView } from './service.js';
import { describe } from './wording.js';

export interface RowActions {
  open(job: JobView): void;
  cancel(job: JobView): void;
  retry(job: JobView): void;
  remove(job: JobView): void;
}

export const nameOf = ({ name, source, id }: JobView): string => name ?? source.url ?? id;

/** A job in the list. It is changed in place, so that the focus stays where it is. */
class Row {
  readonly element = make('li', 'job');
  readonly #name = make('span', 'job-name');
  readonly #text = make('p', 'job-state');
  readonly #bar = make('progress', 'job-bar');
  readonly #open: HTMLButtonElement;
  readonly #cancel: HTMLButtonElement;
  readonly #retry: HTMLButtonElement;
  readonly #remove: HTMLButtonElement;
  #drawn = '';

  constructor(
    private job: JobView,
    actions: RowActions,
  ) {
    this.#open = button('열기', () => actions.open(this.job));
    this.#cancel = button('취소', () => actions.cancel(this.job));
    this.#retry = button('다시 하기', () => actions.retry(this.job));
    this.#remove = button('지우기', () => this.#ask(() => actions.remove(this.job)));
    this.#remove.addEventListener('blur', () => this.#settle());
    this.#bar.max = 1;
    const row = make('div', 'job-actions', this.#open, this.#cancel, this.#retry, this.#remove);
    this.element.append(this.#name, this.#text, this.#bar, row);
    this.update(job);
  }

  update(job: JobView): void {
    this.job = job;
    const text = describe(job);
    const { done_seconds: done, total_seconds: total } = job.progress;
    const share = total !== undefined && total > 0 ? Math.min(1, done / total) : undefined;
    const drawn = JSON.stringify([job.state, job.name, text, share]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const name = nameOf(job);
    this.element.dataset.state = job.state;
    this.element.dataset.job = job.id;
    this.#name.textContent = name;
    this.#text.textContent = text;
    this.#bar.hidden = !isOpen(job);
    this.#bar.setAttribute('aria-label', `${name} 진행`);
    if (share !== undefined) this.#bar.value = share;
    else if (job.state === 'queued') this.#bar.value = 0;
    else this.#bar.removeAttribute('value');
    this.#open.hidden = job.state !== 'completed';
    this.#cancel.hidden = !isOpen(job);
    this.#retry.hidden = job.state !== 'failed' && job.state !== 'cancelled';
    this.#remove.hidden = isOpen(job);
    for (const one of [this.#open, this.#cancel, this.#retry, this.#remove])
      one.setAttribute('aria-label', `${name} ${one.textContent ?? ''}`);
  }

  /** What cannot be undone is asked for twice. */
  #ask(sure: () => void): void {
    if (this.#remove.dataset.sure !== undefined) return sure();
    this.#remove.dataset.sure = '';
    this.#label('정말 지우기');
  }

  #settle(): void {
    delete this.#remove.dataset.sure;
    this.#label('지우기');
  }

  #label(text: string): void {
    this.#remove.textContent = text;
    this.#remove.setAttribute('aria-label', `${nameOf(this.job)} ${text}`);
  }
}

export class JobList {
  readonly #rows = new Map<string, Row>();

  constructor(
    private readonly root: HTMLElement,
    private readonly actions: RowActions,
  ) {}

  /** @param jobs newest first */
  draw(jobs: readonly JobView[]): void {
    const ids = new Set(jobs.map(({ id }) => id));
    for (const [id, row] of this.#rows) {
      if (ids.has(id)) continue;
      row.element.remove();
      this.#rows.delete(id);
    }
    jobs.forEach((job, index) => {
      let row = this.#rows.get(job.id);
      if (row === undefined) this.#rows.set(job.id, (row = new Row(job, this.actions)));
      else row.update(job);
      if (this.root.children[index] !== row.element)
        this.root.insertBefore(row.element, this.root.children[index] ?? null);
    });
  }

  select(id: string | undefined): void {
    for (const [one, { element }] of this.#rows) element.toggleAttribute('data-selected', one === id);
  }
}
