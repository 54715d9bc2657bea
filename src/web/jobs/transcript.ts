/** A transcript whose words light up as they are heard, and can be put right. */
import { button, make } from '../dom.js';
import { retime, wordAt, type TimedSegment } from './words.js';
import { duration } from './wording.js';

export interface TranscriptEvents {
  /** Go to this second of the audio. */
  onSeek(seconds: number): void;
  onEdit(): void;
}

/** One utterance: its time, its words, and a way to change them. */
class Line {
  readonly element = make('li', 'line');
  readonly text = make('p', 'line-text');
  readonly edit: HTMLButtonElement;
  spans: HTMLElement[] = [];
  #input: HTMLTextAreaElement | undefined;

  constructor(
    public segment: TimedSegment,
    private readonly events: TranscriptEvents,
    private readonly onChange: () => void,
  ) {
    const at = duration(segment.start);
    const seek = button(at, () => events.onSeek(this.segment.start), 'line-time');
    seek.setAttribute('aria-label', `${at}부터 듣기`);
    this.edit = button('고치기', () => this.#begin(), 'line-edit');
    this.edit.setAttribute('aria-label', `${at} 고치기`);
    this.text.addEventListener('click', ({ target }) => {
      const at_ = this.spans.indexOf(target as HTMLElement);
      if (at_ >= 0) events.onSeek(this.segment.words[at_].start);
    });
    this.text.addEventListener('dblclick', () => this.#begin());
    this.element.append(seek, this.text, this.edit);
    this.draw();
  }

  draw(): void {
    this.spans = this.segment.words.map(({ word }) => make('span', 'word', word));
    // Without times of words there is nothing to light up.
    const content = this.spans.length === 0 ? [this.segment.text] : this.spans.flatMap((span) => [span, ' ']);
    this.text.replaceChildren(...content);
  }

  /** Text becomes a field; Enter or leaving it keeps what was written, Escape does not. */
  #begin(): void {
    if (this.#input !== undefined) return;
    const input = make('textarea', 'line-input');
    input.value = this.segment.text;
    input.rows = 1;
    input.setAttribute('aria-label', '받아쓴 글 고치기. Enter로 마치고 Esc로 되돌립니다.');
    this.#input = input;
    this.element.dataset.editing = '';
    input.addEventListener('keydown', (event) => {
      // Enter also ends a syllable that is being composed: that one is not for us.
      if (event.isComposing) return;
      if (event.key === 'Enter' || event.key === 'Escape') {
        event.preventDefault();
        event.stopPropagation();
        this.#end(event.key === 'Enter');
        this.edit.focus();
      }
    });
    input.addEventListener('blur', () => this.#end(true));
    this.text.replaceWith(input);
    input.style.height = `${String(input.scrollHeight + 2)}px`;
    input.focus();
  }

  #end(keep: boolean): void {
    const input = this.#input;
    if (input === undefined) return;
    this.#input = undefined;
    delete this.element.dataset.editing;
    const changed = keep && input.value.replace(/\s+/gu, ' ').trim() !== this.segment.text;
    if (changed) this.segment = retime(this.segment, input.value);
    this.draw();
    input.replaceWith(this.text);
    if (changed) {
      this.element.dataset.edited = '';
      this.onChange();
      this.events.onEdit();
    }
  }
}

export class TranscriptView {
  #lines: Line[] = [];
  #words: { start: number; span: HTMLElement; line: Line }[] = [];
  #current: HTMLElement | undefined;

  constructor(
    private readonly root: HTMLElement,
    private readonly events: TranscriptEvents,
  ) {}

  get segments(): readonly TimedSegment[] {
    return this.#lines.map(({ segment }) => segment);
  }

  show(segments: readonly TimedSegment[]): void {
    this.#lines = segments.map((segment) => new Line(segment, this.events, () => this.#collect()));
    this.root.replaceChildren(...this.#lines.map(({ element }) => element));
    this.#collect();
  }

  /** Marks the word that is heard. */
  heard(seconds: number, follow: boolean): void {
    const word = this.#words[wordAt(this.#words, seconds)];
    if (word?.span === this.#current) return;
    this.#current?.classList.remove('heard');
    this.#current = word?.span;
    this.#current?.classList.add('heard');
    if (follow) word?.line.element.scrollIntoView({ block: 'nearest' });
  }

  #collect(): void {
    this.#words = this.#lines.flatMap((line) =>
      line.segment.words.map(({ start }, index) => ({ start, span: line.spans[index], line })),
    );
  }
}
