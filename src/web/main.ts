/** The page: microphone, transcript, seats. Text of the service reaches it through textContent only. */
import { ApiError, listModels, resolveIntent, transcribeFile } from './api.js';
import { find } from './dom.js';
import { setKey } from './key.js';
import type { ServerMessage } from './protocol.js';
import { Recording, type RecordingState } from './recording.js';
import { SeatPanel } from './seat-panel.js';
import { timeLabel, Transcript } from './transcript.js';
import { acceptFiles } from './upload.js';
import { EXAMPLES, explainError } from './wording.js';

const STATES: Record<RecordingState, { state: string; label: string; hint: string }> = {
  idle: { state: '대기 중', label: '듣기 시작', hint: '단추를 누르고 말씀하세요. 다시 누르면 끝납니다.' },
  starting: { state: '연결하는 중', label: '듣기 끝내기', hint: '마이크와 서버를 연결하고 있습니다.' },
  listening: { state: '듣는 중', label: '듣기 끝내기', hint: '듣고 있습니다. 다시 누르면 끝납니다.' },
  finishing: { state: '마무리하는 중', label: '듣기 시작', hint: '마지막 말을 받아쓰고 있습니다.' },
};
/** Loudness is felt in decibels: this many below full scale is an empty meter. */
const METER_DB = 60;

const mic = find<HTMLButtonElement>('mic');
const problem = find('problem');
const level = find('level');
const transcript = new Transcript({
  scroller: find('transcript'),
  finals: find('finals'),
  partial: find('partial'),
  empty: find('empty'),
});
const seats = new SeatPanel(
  {
    venues: find('venues'),
    rooms: find('rooms'),
    title: find('result-title'),
    slots: find('slots'),
    text: find('result-text'),
    confirm: find('confirm'),
    yes: find('confirm-yes'),
    no: find('confirm-no'),
    map: find('map'),
    totals: find('totals'),
  },
  () => {
    drawExamples();
    // A session checks seats against the place it was opened with.
    void recording.stop();
  },
);
const lines = new Map<number, HTMLElement>();

const recording = new Recording({
  onState(state) {
    const words = STATES[state];
    find('state').dataset.state = state;
    find('state-text').textContent = words.state;
    find('mic-label').textContent = words.label;
    find('mic-hint').textContent = words.hint;
    mic.dataset.state = state;
    mic.setAttribute('aria-pressed', String(state === 'listening' || state === 'starting'));
    mic.disabled = state === 'finishing';
    if (state === 'starting') lines.clear();
    if (state === 'idle') transcript.partial('');
  },
  onMessage,
  onLevel: showLevel,
  onProblem: showProblem,
});

function onMessage(message: ServerMessage): void {
  switch (message.type) {
    case 'partial':
      return transcript.partial(message.text);
    case 'final':
      if (message.text === '') return transcript.partial('');
      return void lines.set(message.utterance, transcript.final(message.text, timeLabel(message.start)));
    case 'intent': {
      if (message.tentative) return seats.hint(message);
      const line = lines.get(message.utterance);
      lines.delete(message.utterance);
      if (line !== undefined) transcript.intent(line, message.intent);
      return seats.apply(message);
    }
    case 'error':
      if (message.error.code === 'invalid_api_key') askForKey();
  }
}

function showLevel(value: number): void {
  const share = value <= 0 ? 0 : Math.max(0, Math.min(1, 1 + (20 * Math.log10(value)) / METER_DB));
  level.style.setProperty('--level', share.toFixed(3));
  mic.style.setProperty('--level', share.toFixed(3));
  level.setAttribute('aria-valuenow', String(Math.round(share * 100)));
}

function showProblem(text: string): void {
  problem.textContent = text;
  problem.hidden = text === '';
}

async function understand(text: string, line: HTMLElement): Promise<void> {
  const heard = await resolveIntent(text, seats.venue);
  transcript.intent(line, heard.intent);
  seats.apply(heard);
}

async function guarded(work: () => Promise<void>): Promise<void> {
  try {
    showProblem('');
    await work();
  } catch (error) {
    const code = error instanceof ApiError ? error.code : 'offline';
    if (code === 'invalid_api_key') askForKey();
    showProblem(code === 'offline' ? '서버에 연결하지 못했습니다.' : explainError(code));
  }
}

function say(text: string): void {
  const line = transcript.final(text, '글', 'typed');
  void guarded(() => understand(text, line));
}

function drawExamples(): void {
  const examples = EXAMPLES[seats.venue.id] ?? [];
  find('examples').replaceChildren(
    ...examples.map((text) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = text;
      button.addEventListener('click', () => say(text));
      const item = document.createElement('li');
      item.append(button);
      return item;
    }),
  );
}

/** Longer texts are not commands. */
const MAX_COMMAND = 300;

acceptFiles(find('drop'), find<HTMLInputElement>('file'), (file) => {
  const state = find('upload-state');
  state.textContent = `${file.name} 받아쓰는 중…`;
  void guarded(async () => {
    const result = await transcribeFile(file);
    for (const segment of result.segments) {
      if (segment.text.trim() === '') continue;
      const line = transcript.final(segment.text, timeLabel(segment.start), 'file');
      if (segment.text.length <= MAX_COMMAND) await understand(segment.text, line);
    }
    state.textContent =
      result.text.trim() === '' ? `${file.name}: 들린 말이 없습니다.` : `${file.name}: 다 받아썼습니다.`;
  }).finally(() => {
    if (state.textContent?.endsWith('…')) state.textContent = '';
  });
});

find<HTMLFormElement>('typed').addEventListener('submit', (event) => {
  event.preventDefault();
  const input = find<HTMLInputElement>('typed-text');
  const text = input.value.trim();
  input.value = '';
  if (text !== '') say(text);
});

mic.addEventListener(
  'click',
  () => void (recording.active ? recording.stop() : recording.start(seats.venue)),
);

function askForKey(): void {
  const dialog = find<HTMLDialogElement>('key-dialog');
  if (!dialog.open) dialog.showModal();
}
find<HTMLFormElement>('key-form').addEventListener('submit', () => {
  setKey(find<HTMLInputElement>('key').value);
  void describeService();
});

async function describeService(): Promise<void> {
  await guarded(async () => {
    const models = await listModels();
    find('model').textContent = models.data.map((model) => model.id).join(', ');
  });
}

drawExamples();
void describeService();
