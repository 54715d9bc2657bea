/**
 * What the scripts share. A job is a hash, `job:ID`, the one truth about it: its state changes in a script and nowhere else,
 * together with every index, so that no kill of any process leaves half a change. BullMQ's queues only say when somebody has
 * to do something; what they need to be told stands in `outbox` until it was told (outbox.ts), written in the same script.
 *
 * Keys, behind the prefix, which is a hash tag so that all of them lie in one slot of a cluster:
 * - `job:ID` hash, `pieces:ID` and `events:ID` lists of JSON, `idempotency:HASH` the id of the job that was made with it;
 * - `state:STATE`, `owned:STATE:OWNER`, `owned:all:OWNER`, `all`: sorted sets of ids by order of submission;
 * - `waiting` by the time since when, `ended` by the time of the end, `notify` a set of ids, `outbox` by the time of writing;
 * - `jobs:...` and `notifications:...` are BullMQ's own.
 *
 * Every script may run twice: a connection that breaks between a call and its answer sends the call again. Times are Redis's
 * own, so that the clocks of many machines do not mix.
 *
 * KEYS[1] is the prefix in all of them.
 */

/** What a record holds of the hash, in this order. */
export const FIELDS = [
  ...[
    'spec',
    'generation',
    'seq',
    'state',
    'created',
    'started',
    'finished',
    'attempts',
    'progress',
    'error',
    'result',
  ],
  ...['noticeState', 'noticeAttempts', 'noticeOutcome'],
] as const;

export const COMMON = `
local P = KEYS[1]
local call = redis.call
local TERMINAL = { completed = true, failed = true, cancelled = true }

local function clock()
  local t = call('TIME')
  return string.format('%.0f', tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000))
end

local function job(id) return P .. 'job:' .. id end

local function record(id) return call('HMGET', job(id), ${FIELDS.map((field) => `'${field}'`).join(', ')}) end

-- An event as JSON; error is JSON or ''.
local function eventJson(id, kind, at, err)
  local key = job(id)
  local number = call('HINCRBY', key, 'events', 1)
  local progress = call('HGET', key, 'progress') or '{"doneSeconds":0}'
  local json = '{"id":"' .. number .. '","type":"' .. kind .. '","at":' .. at .. ',"progress":' .. progress
  if err ~= '' then json = json .. ',"error":' .. err end
  return json .. '}'
end

-- The last 256 are kept: a job that gives way often has many.
local function event(id, kind, at, err)
  call('RPUSH', P .. 'events:' .. id, eventJson(id, kind, at, err or ''))
  call('LTRIM', P .. 'events:' .. id, -256, -1)
  call('PUBLISH', P .. 'events', id)
end

-- Of progress only the latest is kept, in the hash.
local function progress(id, json, at)
  call('HSET', job(id), 'progress', json)
  call('HSET', job(id), 'progressEvent', eventJson(id, 'progress', at, ''))
  call('PUBLISH', P .. 'events', id)
end

local function unindex(id, state, owner)
  call('ZREM', P .. 'state:' .. state, id)
  call('ZREM', P .. 'owned:' .. state .. ':' .. owner, id)
  if state == 'queued' then call('ZREM', P .. 'waiting', id) end
  if TERMINAL[state] then call('ZREM', P .. 'ended', id) end
end

local function index(id, state, owner, seq, at)
  call('ZADD', P .. 'state:' .. state, seq, id)
  call('ZADD', P .. 'owned:' .. state .. ':' .. owner, seq, id)
  if state == 'queued' then call('ZADD', P .. 'waiting', at, id) end
  if TERMINAL[state] then call('ZADD', P .. 'ended', at, id) end
end

local function move(id, to, at)
  local v = call('HMGET', job(id), 'state', 'owner', 'seq')
  unindex(id, v[1], v[2])
  index(id, to, v[2], v[3], at)
  call('HSET', job(id), 'state', to)
end

-- The end of a job: state, event, and a notice for who asked for one.
local function finish(id, to, at, err)
  local key = job(id)
  move(id, to, at)
  call('HSET', key, 'finished', at)
  call('HDEL', key, 'lease', 'resume')
  if err ~= '' then call('HSET', key, 'error', err) else call('HDEL', key, 'error') end
  event(id, to, at, err)
  local v = call('HMGET', key, 'webhook', 'generation')
  call('ZREM', P .. 'outbox', 'job:' .. id .. '.' .. v[2])
  if v[1] == '1' then
    call('HSET', key, 'noticeState', 'pending', 'noticeAttempts', '0')
    call('HDEL', key, 'noticeOutcome', 'noticeLease')
    call('SADD', P .. 'notify', id)
    call('ZADD', P .. 'outbox', at, 'notice:' .. id .. '.' .. v[2])
  end
end

-- Whether the lease is the job's present one. BullMQ's lock may have run out meanwhile: as long as nobody else began the
-- job, the work counts.
local function held(id, lease)
  local v = call('HMGET', job(id), 'state', 'lease')
  return v[1] == 'active' and v[2] == lease
end

-- Jobs that would be taken before one of this priority that is put in line now.
local function ahead(priority)
  return call('LLEN', P .. 'jobs:wait') +
    call('ZCOUNT', P .. 'jobs:prioritized', '-inf', '(' .. string.format('%.0f', (priority + 1) * 4294967296))
end

-- A lease that ended without a word. Not a failure of the job by itself, but a job whose work ends like that again and again
-- without getting on is taken for the cause. True when that was the end of it.
local function crashed(id, at, limit)
  local err = '{"code":"worker_crashed","message":"The worker that held this job died."}'
  local count = call('HINCRBY', job(id), 'crashes', 1)
  if count >= tonumber(limit) then
    finish(id, 'failed', at, err)
    return true
  end
  move(id, 'queued', at)
  call('HSET', job(id), 'error', err)
  call('HDEL', job(id), 'lease')
  event(id, 'retrying', at, err)
  return false
end
`;
