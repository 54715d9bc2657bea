/** Live recognition in a terminal: the partial line is rewritten in place, finals stay. */
import type { ServerMessage } from '../live/protocols/native-messages.js';
import { printable } from './errors.js';
import { displayWidth } from './table.js';

const CLEAR_LINE = '\r\u001b[2K';
const GREY = '\u001b[90m';
const CYAN = '\u001b[36m';
const RESET = '\u001b[0m';

export interface LiveViewOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** The end of a text that fits into `columns`, with an ellipsis where its beginning was cut off. */
export function fitTail(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  const characters = [...text];
  let width = 1;
  let from = characters.length;
  while (from > 0 && width + displayWidth(characters[from - 1]) <= columns) {
    from -= 1;
    width += displayWidth(characters[from]);
  }
  return `…${characters.slice(from).join('')}`;
}

/** `reserve seat=27 duration_min=120 (0.97)` */
export function describeIntent(result: {
  readonly intent: string;
  readonly slots: object;
  readonly confidence: number;
}): string {
  const slots = Object.entries(result.slots).map(
    ([name, value]) => `${name}=${Array.isArray(value) ? value.join(',') : String(value)}`,
  );
  return printable([result.intent, ...slots, `(${result.confidence.toFixed(2)})`].join(' '));
}

export class LiveView {
  private partialShown = false;

  constructor(private readonly output: LiveViewOutput) {}

  show(message: ServerMessage): void {
    if (message.type === 'partial') this.partial(message.text);
    else if (message.type === 'final') this.final(message.text);
    else if (message.type === 'intent' && !message.tentative && message.intent !== 'none') {
      const text = `  -> ${describeIntent(message)}`;
      this.line(this.output.isTTY ? `${CYAN}${text}${RESET}` : text);
    }
  }

  /** A line of its own, above the partial one. */
  line(text: string): void {
    this.clear();
    this.output.write(`${text}\n`);
  }

  /** Takes the partial line away; a pipe never gets one. */
  clear(): void {
    if (this.partialShown) this.output.write(CLEAR_LINE);
    this.partialShown = false;
  }

  private partial(text: string): void {
    if (!this.output.isTTY) return;
    // One column stays free: a full line would wrap, and the next rewrite would leave its beginning behind.
    const shown = fitTail(printable(text), (this.output.columns ?? 80) - 1);
    this.output.write(`${CLEAR_LINE}${GREY}${shown}${RESET}`);
    this.partialShown = true;
  }

  private final(text: string): void {
    if (text.trim() === '') this.clear();
    else this.line(printable(text));
  }
}
