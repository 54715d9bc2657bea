import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from './config.js';
import { VARIABLES } from './config/variables.js';
import { MalgwiError } from './errors.js';

const failure = (env: NodeJS.ProcessEnv): MalgwiError => {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof MalgwiError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
};

describe('loadConfig', () => {
  it('has defaults that serve this machine only', () => {
    const config = loadConfig({});
    expect(config.server).toMatchObject({
      host: '127.0.0.1',
      port: 3000,
      apiKeys: [],
      corsOrigins: [],
      logPretty: false,
    });
    expect(config.models).toMatchObject({ default: 'malgwi-ko', aliases: { 'whisper-1': '' } });
    expect(config.models.dir).toMatch(/models$/);
    expect(config.workers.count).toBeGreaterThan(0);
    expect(config.uploads.dir).toBe(tmpdir());
  });

  it('reads every kind of value', () => {
    const config = loadConfig({
      HOST: '0.0.0.0',
      PORT: '8080',
      MALGWI_API_KEYS: 'first-key-1, second-key-2',
      MALGWI_LOG_PRETTY: 'yes',
      MALGWI_MODEL_ALIASES: 'whisper-1=malgwi-ko,gpt-4o-transcribe=',
      MALGWI_LIVE_MAX_SESSIONS: '0',
      MALGWI_WORKERS: '',
    });
    expect(config.server).toMatchObject({ host: '0.0.0.0', port: 8080, logPretty: true });
    expect(config.server.apiKeys).toEqual(['first-key-1', 'second-key-2']);
    expect(config.models.aliases).toEqual({ 'whisper-1': 'malgwi-ko', 'gpt-4o-transcribe': '' });
    expect(config.live.maxSessions).toBe(0);
    expect(loadConfig({ MALGWI_MODEL_ALIASES: '-' }).models.aliases).toEqual({});
  });

  it('names every wrong variable at once, and shows no value', () => {
    const error = failure({
      PORT: '70000',
      MALGWI_LOG_LEVEL: 'loud',
      MALGWI_API_KEYS: 'hunter2',
      MALGWI_LOG_PRETTY: 'perhaps',
      MALGWI_QUEUE_LIMIT: '1.5',
      MALGWI_MODEL_ALIASES: 'no spaces please=x',
      MALGWI_CORS_ORIGINS: 'example.org',
      MALGWI_WORKRES: '2',
    });
    expect(error.code).toBe('config_invalid');
    for (const name of [
      'PORT',
      'LOG_LEVEL',
      'API_KEYS',
      'LOG_PRETTY',
      'QUEUE_LIMIT',
      'MODEL_ALIASES',
      'CORS_ORIGINS',
      'WORKRES',
    ]) {
      expect(error.message).toContain(name);
    }
    expect(error.message).toContain('PORT must be between 0 and 65535');
    expect(error.message).not.toContain('hunter2');
  });

  it('lets overrides win over the environment, and checks them too', () => {
    const config = loadConfig({ PORT: '1', MALGWI_WORKERS: '7' }, { server: { port: 0 } });
    expect(config.server.port).toBe(0);
    expect(config.workers.count).toBe(7);
    expect(() => loadConfig({}, { workers: { count: 0 } })).toThrow(/MALGWI_WORKERS/);
  });

  it('reads the venue, and refuses a file that is none', () => {
    const dir = mkdtempSync(join(tmpdir(), 'malgwi-config-'));
    try {
      const file = join(dir, 'venue.json');
      const venue = { id: 'hall', name: '열람실', seats: { kind: 'letter', rows: ['A', 'B'], perRow: 10 } };
      writeFileSync(file, JSON.stringify(venue));
      expect(loadConfig({ MALGWI_VENUE_FILE: file }).venue).toEqual(venue);
      writeFileSync(file, JSON.stringify({ ...venue, seats: { kind: 'circle' } }));
      expect(failure({ MALGWI_VENUE_FILE: file }).message).toMatch(/VENUE_FILE is not a venue: \/seats/);
      writeFileSync(file, '{');
      expect(failure({ MALGWI_VENUE_FILE: file }).message).toMatch(/cannot be read as JSON/);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('describes every variable once', () => {
    expect(new Set(VARIABLES.map((entry) => entry.env)).size).toBe(VARIABLES.length);
    for (const entry of VARIABLES) expect(entry.env).toMatch(/^(HOST|PORT|REDIS_URL|MALGWI_[A-Z_]+)$/);
  });
});
