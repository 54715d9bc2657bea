import { describe, expect, it } from 'vitest';
import type { ServerMessage } from '../live/protocols/native-messages.js';
import { describeIntent, fitTail, LiveView } from './live-view.js';
import { displayWidth } from './table.js';

const final = (text: string): ServerMessage => ({
  type: 'final',
  utterance: 0,
  start: 0,
  end: 1,
  text,
  confidence: 1,
  words: [],
});
const partial = (text: string) =>
  ({ type: 'partial', utterance: 0, start: 0, end: 1, text, stable: 0 }) as const;

// eslint-disable-next-line no-control-regex
const COLOUR = /\u001b\[\d+m/g;

const intent = (tentative: boolean): ServerMessage => ({
  type: 'intent',
  utterance: 0,
  intent: 'reserve',
  slots: { seat: '27' },
  confidence: 0.9,
  evidence: [],
  problems: [],
  tentative,
});

/** What a terminal of one line would show, and the lines above it. */
function terminal(columns: number) {
  let written = '';
  return {
    output: { isTTY: true, columns, write: (text: string) => (written += text) },
    lines: () => written.split('\n').map((line) => line.split('\r\u001b[2K').at(-1)!.replace(COLOUR, '')),
  };
}

describe('live view', () => {
  it('rewrites the partial line in place and leaves finals', () => {
    const { output, lines } = terminal(80);
    const view = new LiveView(output);
    view.show(partial('칠'));
    view.show(partial('칠 번'));
    expect(lines()).toEqual(['칠 번']);
    view.show(final('칠 번 예약'));
    view.show(partial('네'));
    expect(lines()).toEqual(['칠 번 예약', '네']);
    view.clear();
    expect(lines()).toEqual(['칠 번 예약', '']);
  });

  it('never lets a partial wrap', () => {
    const { output, lines } = terminal(20);
    new LiveView(output).show(partial('가나다라마바사아자차카타파하 끝까지 갑니다'));
    expect(displayWidth(lines()[0])).toBeLessThan(20);
    expect(lines()[0]).toMatch(/^….*갑니다$/);
  });

  it('takes away a partial whose utterance came to nothing', () => {
    const { output, lines } = terminal(80);
    const view = new LiveView(output);
    view.show(partial('으'));
    view.show(final(''));
    expect(lines()).toEqual(['']);
  });

  it('writes finals only, and no control characters, into a pipe', () => {
    let written = '';
    const view = new LiveView({ write: (text: string) => (written += text) });
    view.show(partial('칠'));
    view.show(final('칠 번\u001b[31m'));
    view.show(intent(false));
    view.show(intent(true));
    view.clear();
    expect(written).toBe('칠 번 [31m\n  -> reserve seat=27 (0.90)\n');
    // eslint-disable-next-line no-control-regex
    expect(written).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });

  it('cuts at whole characters', () => {
    expect(fitTail('가나다', 6)).toBe('가나다');
    expect(fitTail('가나다', 5)).toBe('…나다');
    expect(fitTail('가나다', 4)).toBe('…다');
  });

  it('shows intent, slots and confidence', () => {
    expect(
      describeIntent({
        intent: 'reserve',
        slots: { seat: '27', preference: ['window', 'quiet'], duration_min: 120 },
        confidence: 0.934,
      }),
    ).toBe('reserve seat=27 preference=window,quiet duration_min=120 (0.93)');
  });
});
