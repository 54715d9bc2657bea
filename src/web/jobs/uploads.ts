/** Files on their way to the service: resumable, a few at a time. */
import { DetailedError, Upload } from 'tus-js-client';
import { ApiError } from '../api.js';
import { button, make } from '../dom.js';
import { withKey } from '../key.js';
import { submitUpload, type JobView } from './service.js';
import { explain, size } from './wording.js';

const AT_A_TIME = 2;
/** What one request carries: where the line breaks, no more than this is sent again. */
const CHUNK_BYTES = 16 * 2 ** 20;
const PAUSES_MS = [0, 1000, 3000, 10_000, 30_000];

export interface UploadEvents {
  onJob(job: JobView, file: File): void;
  onProblem(code: string): void;
}

type State = 'waiting' | 'running' | 'paused' | 'failed';

class Entry {
  readonly element = make('li', 'job upload');
  state: State = 'waiting';
  /** The complete upload, until it has become a job. */
  complete: string | undefined;
  upload: Upload | undefined;
  readonly #text = make('p', 'job-state', '기다리는 중');
  readonly #bar = make('progress', 'job-bar');
  readonly #toggle: HTMLButtonElement;

  constructor(
    readonly file: File,
    actions: { toggle(entry: Entry): void; drop(entry: Entry): void },
  ) {
    this.#bar.max = 1;
    this.#bar.value = 0;
    this.#bar.setAttribute('aria-label', `${file.name} 올리기`);
    this.#toggle = button('멈추기', () => actions.toggle(this));
    const drop = button('그만두기', () => actions.drop(this));
    drop.setAttribute('aria-label', `${file.name} 그만두기`);
    const name = make('span', 'job-name', file.name);
    this.element.append(name, this.#text, this.#bar, make('div', 'job-actions', this.#toggle, drop));
    this.show('waiting');
  }

  show(state: State, text?: string): void {
    this.state = state;
    this.element.dataset.state = state;
    const label = state === 'paused' ? '이어 올리기' : state === 'failed' ? '다시 하기' : '멈추기';
    this.#toggle.textContent = label;
    this.#toggle.setAttribute('aria-label', `${this.file.name} ${label}`);
    if (text !== undefined) this.#text.textContent = text;
  }

  progress(sent: number, total: number): void {
    const share = total > 0 ? sent / total : 1;
    this.#bar.value = share;
    this.#text.textContent = `올리는 중 · ${size(sent)} / ${size(total)} · ${String(Math.floor(share * 100))} %`;
  }
}

export class Uploads {
  readonly #entries = new Set<Entry>();

  constructor(
    private readonly list: HTMLElement,
    private readonly events: UploadEvents,
  ) {
    // Leaving ends the uploads; what was sent stays, but the visitor should know.
    window.addEventListener('beforeunload', (event) => {
      if ([...this.#entries].some(({ state }) => state === 'running')) event.preventDefault();
    });
  }

  add(file: File): void {
    const entry = new Entry(file, {
      toggle: (one) => this.#toggle(one),
      drop: (one) => void this.#drop(one),
    });
    this.#entries.add(entry);
    this.list.append(entry.element);
    this.#next();
  }

  #next(): void {
    const running = [...this.#entries].filter(({ state }) => state === 'running').length;
    const waiting = [...this.#entries].filter(({ state }) => state === 'waiting');
    for (const entry of waiting.slice(0, Math.max(0, AT_A_TIME - running))) void this.#run(entry);
  }

  async #run(entry: Entry): Promise<void> {
    entry.show('running');
    try {
      entry.complete ??= await this.#send(entry);
      this.events.onJob(await submitUpload(entry.complete, entry.file.name), entry.file);
      this.#remove(entry);
    } catch (error) {
      if (entry.state === 'running') {
        const code = codeOf(error);
        if (code === 'upload_not_found') entry.complete = undefined;
        entry.show('failed', explain(code));
        this.events.onProblem(code);
      }
    }
    this.#next();
  }

  /** An upload that was begun earlier, also before the page was loaded anew, goes on where it stopped. */
  async #send(entry: Entry): Promise<string> {
    const { file } = entry;
    return new Promise<string>((resolve, reject) => {
      const upload: Upload = new Upload(file, {
        endpoint: new URL('v1/uploads', location.href).href,
        chunkSize: CHUNK_BYTES,
        retryDelays: PAUSES_MS,
        uploadDataDuringCreation: true,
        removeFingerprintOnSuccess: true,
        metadata: { filename: file.name },
        headers: withKey(),
        onProgress: (sent, total) => {
          if (entry.state === 'running') entry.progress(sent, total);
        },
        onSuccess: () => resolve(new URL(upload.url!, location.href).pathname.split('/').at(-1)!),
        onError: reject,
      });
      entry.upload = upload;
      void upload.findPreviousUploads().then(([earlier]) => {
        if (entry.state !== 'running') return;
        if (earlier !== undefined) upload.resumeFromPreviousUpload(earlier);
        upload.start();
      }, reject);
    });
  }

  #toggle(entry: Entry): void {
    if (entry.state === 'running' || entry.state === 'waiting') {
      entry.show('paused', '멈춤');
      void entry.upload?.abort();
    } else {
      entry.show('waiting', '기다리는 중');
    }
    this.#next();
  }

  /** Gives it up, here and at the service. */
  async #drop(entry: Entry): Promise<void> {
    entry.show('paused');
    this.#remove(entry);
    this.#next();
    await entry.upload?.abort(true).catch(() => undefined);
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry);
    entry.element.remove();
  }
}

function codeOf(error: unknown): string {
  if (error instanceof ApiError) return error.code;
  const body = error instanceof DetailedError ? error.originalResponse?.getBody() : undefined;
  try {
    return (JSON.parse(body ?? '') as { error: { code: string } }).error.code;
  } catch {
    return 'offline';
  }
}
