/** A finished job: its audio, its transcript, and what can be taken away. */
import { OUTPUT_FORMATS } from '../../jobs/contract.js';
import { button } from '../dom.js';
import { getKey } from '../key.js';
import { render, save, TYPES } from './downloads.js';
import { nameOf } from './list.js';
import { audioOf, jobPath, resultOf, type JobView } from './service.js';
import { TranscriptView } from './transcript.js';
import { segmentsOf, type TimedSegment } from './words.js';
import { size } from './wording.js';

/** A larger file is fetched when it is asked for: with a key it has to be fetched whole. */
const FETCH_AT_ONCE_BYTES = 32e6;

export interface PlayerElements {
  readonly title: HTMLElement;
  readonly note: HTMLElement;
  readonly audio: HTMLAudioElement;
  readonly load: HTMLButtonElement;
  readonly lines: HTMLElement;
  readonly downloads: HTMLElement;
  readonly revert: HTMLButtonElement;
}

const draftName = (id: string): string => `malgwi-draft-${id}`;

export class Player {
  readonly #view: TranscriptView;
  #job: JobView | undefined;
  #original: readonly TimedSegment[] = [];
  #seconds = 0;
  #url: string | undefined;
  #loading: AbortController | undefined;

  constructor(private readonly on: PlayerElements) {
    this.#view = new TranscriptView(on.lines, {
      onSeek: (seconds) => {
        if (!on.audio.hasAttribute('src')) return;
        on.audio.currentTime = seconds;
        void on.audio.play().catch(() => undefined);
      },
      onEdit: () => this.#keep(),
    });
    on.downloads.append(
      ...OUTPUT_FORMATS.map((format) =>
        button(TYPES[format][0], () => {
          if (this.#job === undefined) return;
          save(format, nameOf(this.#job), render(format, this.#view.segments, this.#seconds));
        }),
      ),
    );
    on.revert.addEventListener('click', () => this.#revert());
    on.audio.addEventListener('error', () => {
      if (on.audio.hasAttribute('src')) on.note.textContent = '이 소리는 브라우저에서 들을 수 없습니다.';
    });
    for (const type of ['seeked', 'timeupdate'] as const)
      on.audio.addEventListener(type, () => this.#view.heard(on.audio.currentTime, !on.audio.paused));
    on.audio.addEventListener('play', () => this.#run());
  }

  get job(): JobView | undefined {
    return this.#job;
  }

  /** @param file where it was given in this tab: then nothing has to be fetched */
  async open(job: JobView, file: File | undefined): Promise<void> {
    this.close();
    this.#job = job;
    this.on.title.textContent = nameOf(job);
    this.on.note.textContent = '불러오는 중…';
    const result = await resultOf(job.id);
    if (this.#job !== job) return;
    this.#original = segmentsOf(result).filter(({ text }) => text.trim() !== '');
    this.#seconds = result.duration;
    const draft = this.#draft();
    this.#view.show(draft ?? this.#original);
    this.on.revert.hidden = draft === undefined;
    this.on.note.textContent = this.#original.length === 0 ? '들린 말이 없습니다.' : '';
    this.on.downloads.hidden = false;
    this.#offer(job, file);
  }

  close(): void {
    this.#job = undefined;
    this.#loading?.abort();
    this.on.audio.pause();
    this.on.audio.removeAttribute('src');
    this.on.audio.hidden = this.on.load.hidden = this.on.downloads.hidden = this.on.revert.hidden = true;
    if (this.#url !== undefined) URL.revokeObjectURL(this.#url);
    this.#url = undefined;
    this.#view.show([]);
  }

  #offer(job: JobView, file: File | undefined): void {
    if (file !== undefined) return this.#play((this.#url = URL.createObjectURL(file)));
    // A player cannot send the key; without one it reads what it needs, piece by piece.
    if (getKey() === null) return this.#play(`${jobPath(job.id)}/audio`);
    const bytes = job.source.bytes ?? Infinity;
    if (bytes <= FETCH_AT_ONCE_BYTES) return void this.#fetch(job);
    const { load } = this.on;
    load.textContent = Number.isFinite(bytes) ? `소리 불러오기 (${size(bytes)})` : '소리 불러오기';
    load.hidden = false;
    load.onclick = () => void this.#fetch(job);
  }

  async #fetch(job: JobView): Promise<void> {
    this.on.load.hidden = true;
    this.#loading = new AbortController();
    try {
      const blob = await audioOf(job.id, this.#loading.signal);
      if (this.#job === job) this.#play((this.#url = URL.createObjectURL(blob)));
    } catch {
      if (this.#job === job) this.on.note.textContent = '소리를 불러오지 못했습니다.';
    }
  }

  #play(source: string): void {
    this.on.audio.src = source;
    this.on.audio.hidden = false;
  }

  /** While it plays, words change more often than the player says. */
  #run(): void {
    const step = (): void => {
      const { audio } = this.on;
      if (audio.paused || audio.ended) return;
      this.#view.heard(audio.currentTime, true);
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  /** What was put right stays in this tab until it is closed, as the key does. */
  #keep(): void {
    this.on.revert.hidden = false;
    if (this.#job === undefined) return;
    try {
      sessionStorage.setItem(draftName(this.#job.id), JSON.stringify(this.#view.segments));
    } catch {
      this.on.note.textContent = '고친 글이 너무 길어 저장하지 못합니다. 내려받아 두세요.';
    }
  }

  #draft(): readonly TimedSegment[] | undefined {
    const text = sessionStorage.getItem(draftName(this.#job?.id ?? ''));
    return text === null ? undefined : (JSON.parse(text) as readonly TimedSegment[]);
  }

  #revert(): void {
    if (this.#job !== undefined) sessionStorage.removeItem(draftName(this.#job.id));
    this.on.revert.hidden = true;
    this.#view.show(this.#original);
  }
}
