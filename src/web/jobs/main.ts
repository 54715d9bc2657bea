/** The page of jobs: files in, progress, transcripts out. Text of the service reaches it through textContent only. */
import { ApiError } from '../api.js';
import { find } from '../dom.js';
import { setKey } from '../key.js';
import { acceptFiles } from '../upload.js';
import { Follower, type JobEvent } from './events.js';
import { JobList, type RowActions } from './list.js';
import { Player } from './player.js';
import { cancelJob, forgetJob, getJob, isOpen, listJobs, retryJob, type JobView } from './service.js';
import { Uploads } from './uploads.js';
import { explain } from './wording.js';

/** How often the list is asked for: while something happens, and otherwise. */
const BUSY_MS = 3000;
const IDLE_MS = 20_000;

const jobs = new Map<string, JobView>();
/** Files that were given in this tab, by job: they are heard without being fetched. */
const files = new Map<string, File>();
let cursor: string | undefined;
let timer: number | undefined;

const player = new Player({
  title: find('player-title'),
  note: find('player-note'),
  audio: find<HTMLAudioElement>('audio'),
  load: find<HTMLButtonElement>('load-audio'),
  lines: find('lines'),
  downloads: find('downloads'),
  revert: find<HTMLButtonElement>('revert'),
});

const actions: RowActions = {
  open: (job) => {
    list.select(job.id);
    void guarded(() => player.open(job, files.get(job.id)));
  },
  cancel: (job) => void guarded(async () => put(await cancelJob(job.id))),
  retry: (job) => void guarded(async () => put(await retryJob(job.id))),
  remove: (job) =>
    void guarded(async () => {
      await forgetJob(job.id);
      sessionStorage.removeItem(`malgwi-draft-${job.id}`);
      jobs.delete(job.id);
      files.delete(job.id);
      if (player.job?.id === job.id) {
        player.close();
        find('player-title').textContent = '글';
      }
      draw();
    }),
};
const list = new JobList(find('jobs'), actions);
const follower = new Follower(onEvent, (id) => void guarded(async () => put(await getJob(id))));
const uploads = new Uploads(find('uploads'), {
  onJob: (job, file) => {
    files.set(job.id, file);
    put(job);
  },
  onProblem: (code) => {
    if (code === 'invalid_api_key') askForKey();
  },
});

/** Newest first. */
const ordered = (): JobView[] =>
  [...jobs.values()].sort((a, b) => (a.created_at < b.created_at ? 1 : a.created_at > b.created_at ? -1 : 0));

function put(job: JobView): void {
  jobs.set(job.id, job);
  draw();
}

function draw(): void {
  const all = ordered();
  list.draw(all);
  follower.watch(all);
  find('no-jobs').hidden = all.length > 0;
  find('more').hidden = cursor === undefined;
  const open = all.filter(isOpen).length;
  find('state').dataset.state = open > 0 ? 'listening' : 'idle';
  find('state-text').textContent = open > 0 ? `작업 ${String(open)}개 하는 중` : '대기 중';
}

function onEvent(id: string, { type, progress }: JobEvent): void {
  const job = jobs.get(id);
  if (job === undefined || !isOpen(job)) return;
  // How it ended is asked for: events do not tell all of it.
  const state = type === 'started' || type === 'progress' ? 'active' : job.state;
  put({ ...job, state, progress });
}

/** The first page anew, and what is known of the others; of the next jobs also their place and when they may end. */
async function refresh(): Promise<void> {
  clearTimeout(timer);
  try {
    const page = await listJobs();
    const newest = new Set(page.data.map(({ id }) => id));
    const oldest = page.data.at(-1)?.created_at ?? '';
    // What is missing among the newest was removed elsewhere.
    for (const [id, job] of jobs)
      if (!newest.has(id) && (page.next_cursor === undefined || job.created_at > oldest)) jobs.delete(id);
    for (const job of page.data) jobs.set(job.id, job);
    if (jobs.size <= page.data.length) cursor = page.next_cursor;
    const next = ordered().filter((job) => isOpen(job) && follower.has(job.id));
    for (const job of await Promise.all(next.map(({ id }) => getJob(id)))) jobs.set(job.id, job);
    draw();
  } finally {
    const busy = [...jobs.values()].some(isOpen);
    clearTimeout(timer);
    timer = window.setTimeout(() => void guarded(refresh), busy ? BUSY_MS : IDLE_MS);
  }
}

async function guarded(work: () => Promise<void>): Promise<void> {
  const problem = find('problem');
  try {
    await work();
    problem.hidden = true;
  } catch (error) {
    const code = error instanceof ApiError ? error.code : 'offline';
    if (code === 'invalid_api_key') askForKey();
    problem.textContent = explain(code);
    problem.hidden = false;
  }
}

function askForKey(): void {
  const dialog = find<HTMLDialogElement>('key-dialog');
  if (!dialog.open) dialog.showModal();
}
find<HTMLFormElement>('key-form').addEventListener('submit', () => {
  setKey(find<HTMLInputElement>('key').value);
  void guarded(refresh);
});

acceptFiles(find('drop'), find<HTMLInputElement>('file'), (file) => uploads.add(file));
find('more').addEventListener(
  'click',
  () =>
    void guarded(async () => {
      const page = await listJobs(cursor);
      cursor = page.next_cursor;
      for (const job of page.data) jobs.set(job.id, job);
      draw();
    }),
);
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') void guarded(refresh);
});
void guarded(refresh);
