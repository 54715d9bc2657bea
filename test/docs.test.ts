/** The documentation is tried out: marked examples are run, links followed, tables compared with the code. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ManifestSchema } from '../src/models/manifest.js';
import { malgwi, ROOT, serve, start, type Service } from './cli-support.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const pages = ['README.md', 'CHANGELOG.md', ...markdownBelow('docs')];

function markdownBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return markdownBelow(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

const read = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

interface Block {
  readonly info: string;
  readonly text: string;
  readonly line: number;
  readonly end: number;
}

function blocks(page: string): Block[] {
  const found: Block[] = [];
  let open: { info: string; lines: string[]; line: number } | undefined;
  read(page)
    .split('\n')
    .forEach((line, index) => {
      const fence = /^```(.*)$/.exec(line);
      if (fence === null) open?.lines.push(line);
      else if (open === undefined) open = { info: fence[1].trim(), lines: [], line: index + 1 };
      else {
        found.push({ info: open.info, text: open.lines.join('\n'), line: open.line, end: index + 1 });
        open = undefined;
      }
    });
  return found;
}

/** What a JSON value is made of: names and types, not values. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shape(value[0])];
  if (value === null || typeof value !== 'object') return value === null ? 'null' : typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, shape(entry)]));
}

interface Example {
  readonly page: string;
  readonly line: number;
  readonly command: string;
  /** The answer that the page shows, for the last command of a block. */
  readonly answer?: unknown;
}

const examples: Example[] = pages.flatMap((page) => {
  const all = blocks(page);
  return all.flatMap((block, index) => {
    if (block.info !== 'bash run') return [];
    const commands = block.text.split('\n').filter((line) => line.trim() !== '');
    // An answer stands right below its command, with nothing but an empty line between.
    const next = all[index + 1]?.line === block.end + 2 ? all[index + 1] : undefined;
    return commands.map((command, position) => ({
      page,
      line: block.line + 1 + position,
      command,
      ...(position === commands.length - 1 && next?.info === 'json'
        ? { answer: JSON.parse(next.text) as unknown }
        : {}),
    }));
  });
});

describe('examples', () => {
  let service: Service;
  beforeAll(async () => {
    service = await serve();
  });
  afterAll(() => service.stop());

  it('are there', () => {
    expect(examples.length).toBeGreaterThan(15);
  });

  it.each(examples)('$page:$line $command', async ({ command, answer }) => {
    const { host } = new URL(service.url);
    // npx costs seconds each time; that it finds the program is tested once (package.test.ts).
    const real = command.replaceAll('localhost:3000', host).replaceAll('npx malgwi', 'node bin/malgwi.js');
    const running = start('bash', ['-c', real]);
    running.child.stdin.end();
    const { code, stdout, stderr } = await running.finished;
    expect(code, stderr).toBe(0);
    expect(stdout.trim()).not.toBe('');
    if (answer !== undefined) expect(shape(JSON.parse(stdout))).toEqual(shape(answer));
    if (!JSON.stringify(answer ?? '').includes('"error"')) expect(stdout).not.toMatch(/"error":|^\w+_\w+: /);
  });
});

describe('pages', () => {
  it.each(pages)('%s: every link leads somewhere', (page) => {
    const text = read(page).replace(/^```[\s\S]*?^```/gm, '');
    const broken = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map((match) => match[1])
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => {
        const [path, anchor] = target.split('#');
        const file = path === '' ? join(ROOT, page) : resolve(ROOT, dirname(page), path);
        if (!existsSync(file)) return true;
        if (anchor === undefined) return false;
        const anchors = [...read(relative(ROOT, file)).matchAll(/^#+ (.*)$/gm)].map((heading) =>
          heading[1]
            .toLowerCase()
            .replace(/[^\p{L}\p{N} _-]/gu, '')
            .replaceAll(' ', '-'),
        );
        return !anchors.includes(anchor);
      });
    expect(broken).toEqual([]);
  });

  it('are all in the index', () => {
    const index = read('docs/README.md');
    const missing = pages
      .filter((page) => page.startsWith('docs/') && page !== 'docs/README.md')
      .filter((page) => !index.includes(`(${page.slice('docs/'.length)})`));
    expect(missing).toEqual([]);
  });

  it.each(pages)('%s: JSON examples are JSON', (page) => {
    for (const block of blocks(page).filter(({ info }) => info === 'json')) {
      expect(() => JSON.parse(block.text) as unknown, `line ${block.line}`).not.toThrow();
    }
  });

  it("show the bundled model's figures as its manifest has them", () => {
    expect(() =>
      execFileSync(process.execPath, [join(ROOT, 'scripts/update-figures.mjs'), '--check'], {
        stdio: 'pipe',
      }),
    ).not.toThrow();
  });
});

describe('docs/reference/cli.md', () => {
  const page = read('docs/reference/cli.md');
  /** Options that the section of a command names, the common ones at the top included where they apply. */
  const section = (command: string): string => {
    const start_ = page.search(new RegExp(`^## malgwi ${command}\\b(?! evaluate)`, 'm'));
    const end = page.indexOf('\n## ', start_ + 1);
    return page.slice(start_, end === -1 ? undefined : end);
  };
  const common = page.slice(0, page.indexOf('\n## '));
  const optionsOf = (text: string): string[] => [...new Set(text.match(/(?<![\w-])--[a-z][a-z-]*/g) ?? [])];

  it.each(['serve', 'worker', 'transcribe', 'batch', 'mic', 'intent', 'evaluate'])(
    'has every option of %s, and no other',
    async (command) => {
      const { stdout } = await malgwi([command, '--help']);
      const options = stdout.slice(stdout.indexOf('Options:'));
      const real = optionsOf(options.slice(0, options.search(/\n\n/) + 1 || undefined));
      const own = real.filter((option) => option !== '--help');
      const described = section(command);
      for (const option of own) expect(`${common}${described}`).toContain(option);
      const table = described.split('\n').filter((line) => line.startsWith('| `'));
      for (const option of optionsOf(table.map((line) => line.split('|')[1]).join(' ')))
        expect(real).toContain(option);
    },
  );
});

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
}

describe('docs/reference/model-package.md', () => {
  it('has every field of a manifest', () => {
    const page = read('docs/reference/model-package.md');
    const fields = new Set<string>();
    const walk = (schema: Schema, path: string): void => {
      for (const part of [...(schema.allOf ?? []), ...(schema.anyOf ?? [])]) walk(part, path);
      if (schema.items) walk(schema.items, path);
      for (const [name, child] of Object.entries(schema.properties ?? {})) {
        fields.add(name);
        walk(child, `${path}.${name}`);
      }
    };
    walk(ManifestSchema as Schema, '');
    expect(fields.size).toBeGreaterThan(50);
    const missing = [...fields].filter((name) => !new RegExp(`[\`.]${name}\``).test(page));
    expect(missing).toEqual([]);
  });
});
