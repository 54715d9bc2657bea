import { INTENT_NAMES, position } from './wording.js';
import type { IntentName } from '../intents/contract.js';

/** Lines that stay on the page; older ones go. */
const MAX_LINES = 200;

export interface TranscriptElements {
  readonly scroller: HTMLElement;
  readonly finals: HTMLElement;
  readonly partial: HTMLElement;
  readonly empty: HTMLElement;
}

/** What was said: finals as a list, what is being said below it in grey. */
export class Transcript {
  constructor(private readonly on: TranscriptElements) {}

  partial(text: string): void {
    this.on.partial.textContent = text;
    this.on.partial.hidden = text === '';
    if (text !== '') this.settle();
  }

  /** @param label the time, or where the text came from */
  final(text: string, label: string, source: 'voice' | 'typed' | 'file' = 'voice'): HTMLElement {
    this.partial('');
    const line = document.createElement('li');
    line.dataset.source = source;
    const time = document.createElement('span');
    time.className = 'time';
    time.textContent = label;
    const words = document.createElement('span');
    words.className = 'words';
    words.textContent = text;
    line.append(time, words);
    this.on.finals.append(line);
    while (this.on.finals.childElementCount > MAX_LINES) this.on.finals.firstElementChild?.remove();
    this.settle();
    return line;
  }

  /** Names the command below its sentence. */
  intent(line: HTMLElement, intent: IntentName): void {
    if (intent === 'none') return;
    const chip = document.createElement('span');
    chip.className = 'chip';
    chip.textContent = INTENT_NAMES[intent];
    line.append(chip);
    this.settle();
  }

  private settle(): void {
    this.on.empty.hidden = true;
    this.on.scroller.scrollTop = this.on.scroller.scrollHeight;
  }
}

export const timeLabel = position;
