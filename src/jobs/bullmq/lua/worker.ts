/** Scripts of those who work. A lease is BullMQ's lock token with the number of the activation. */

/**
 * ARGV: id, generation, lock token, lease, most crashes.
 * Answers lost: the lock is another's; over: nothing to do any more; begun, and the record.
 */
export const BEGIN = `
local id, generation, token, lease, crashLimit = unpack(ARGV)
local key = job(id)
if call('GET', P .. 'jobs:' .. id .. '.' .. generation .. ':lock') ~= token then return { 'lost' } end
local v = call('HMGET', key, 'state', 'generation', 'lease')
if not v[1] or v[2] ~= generation or TERMINAL[v[1]] then return { 'over' } end
if v[1] == 'active' and v[3] == lease then return { 'begun', record(id) } end
local at = clock()
if v[1] == 'active' and crashed(id, at, crashLimit) then return { 'over' } end
if call('HDEL', key, 'resume') == 0 then call('HINCRBY', key, 'attempts', 1) end
call('HDEL', key, 'error')
call('HSETNX', key, 'started', at)
call('HSET', key, 'lease', lease)
move(id, 'active', at)
call('ZREM', P .. 'outbox', 'job:' .. id .. '.' .. generation)
event(id, 'started', at)
return { 'begun', record(id) }
`;

/** ARGV: id, lease, key of the result, progress (JSON). Answers lost | done. */
export const COMPLETE = `
local id, lease, result, json = unpack(ARGV)
local v = call('HMGET', job(id), 'state', 'endedBy')
if v[1] == 'completed' and v[2] == lease then return { 'done' } end
if not held(id, lease) then return { 'lost' } end
call('HSET', job(id), 'result', result, 'progress', json, 'endedBy', lease)
call('UNLINK', P .. 'pieces:' .. id)
finish(id, 'completed', clock(), '')
return { 'done' }
`;

/** ARGV: id, lease, error (JSON), whether to try again ('1' or ''), most failures. Answers lost | retry and the failures | failed. */
export const FAIL = `
local id, lease, err, again, limit = unpack(ARGV)
local key = job(id)
local v = call('HMGET', key, 'state', 'endedBy', 'failures')
if v[2] == lease and v[1] == 'failed' then return { 'failed' } end
if v[2] == lease and v[1] == 'queued' then return { 'retry', v[3] } end
if not held(id, lease) then return { 'lost' } end
local at = clock()
local failures = call('HINCRBY', key, 'failures', 1)
call('HSET', key, 'endedBy', lease)
if again == '1' and failures < tonumber(limit) then
  move(id, 'queued', at)
  call('HSET', key, 'error', err)
  call('HDEL', key, 'lease')
  event(id, 'retrying', at, err)
  return { 'retry', failures }
end
finish(id, 'failed', at, err)
return { 'failed' }
`;

/** The job gives way to others, or its worker ends: no failure. ARGV: id, lease. Answers lost | released. */
export const RELEASE = `
local id, lease = unpack(ARGV)
local v = call('HMGET', job(id), 'state', 'endedBy')
if v[1] == 'queued' and v[2] == lease then return { 'released' } end
if not held(id, lease) then return { 'lost' } end
move(id, 'queued', clock())
call('HSET', job(id), 'resume', '1', 'endedBy', lease)
call('HDEL', job(id), 'lease')
return { 'released' }
`;

/**
 * ARGV: id, lease, priority, progress (JSON), index of a piece and the piece (JSON), or nothing.
 * Answers lost | order | saved and the number of jobs that wait for their turn.
 */
export const SAVE = `
local id, lease, priority, json, place, piece = unpack(ARGV)
if not held(id, lease) then return { 'lost' } end
if place then
  local pieces = P .. 'pieces:' .. id
  local count = call('LLEN', pieces)
  if tonumber(place) > count then return { 'order' } end
  if tonumber(place) == count then call('RPUSH', pieces, piece) else call('LSET', pieces, place, piece) end
  call('HDEL', job(id), 'crashes')
end
progress(id, json, clock())
return { 'saved', ahead(tonumber(priority)) }
`;

/** ARGV: id, lease. Answers lost, or held and the pieces. */
export const PIECES = `
if not held(ARGV[1], ARGV[2]) then return { 'lost' } end
return { 'held', call('LRANGE', P .. 'pieces:' .. ARGV[1], 0, -1) }
`;

/**
 * Whether a lease still holds. Its lock is taken anew where it ran out while Redis was away and nobody has missed it yet.
 * ARGV: id, generation, token, lease, milliseconds of the lock. Answers lost | held.
 */
export const RENEW = `
local id, generation, token, lease, duration = unpack(ARGV)
if not held(id, lease) then return { 'lost' } end
local dispatch = id .. '.' .. generation
local lock = P .. 'jobs:' .. dispatch .. ':lock'
local holder = call('GET', lock)
if holder == token then return { 'held' } end
if holder or not call('LPOS', P .. 'jobs:active', dispatch) then return { 'lost' } end
call('SET', lock, token, 'PX', duration)
call('SREM', P .. 'jobs:stalled', dispatch)
return { 'held' }
`;

/** BullMQ gave a job back whose lock ran out. ARGV: id, generation, most crashes. */
export const STALLED = `
local id, generation, crashLimit = unpack(ARGV)
local v = call('HMGET', job(id), 'state', 'generation')
if v[1] ~= 'active' or v[2] ~= generation then return { 'over' } end
if call('EXISTS', P .. 'jobs:' .. id .. '.' .. generation .. ':lock') == 1 then return { 'taken' } end
crashed(id, clock(), crashLimit)
return { 'queued' }
`;

/** ARGV: id, generation, lock token, lease, most attempts. Answers lost | over | begun and the record. */
export const NOTICE_BEGIN = `
local id, generation, token, lease, limit = unpack(ARGV)
local key = job(id)
if call('GET', P .. 'notifications:' .. id .. '.' .. generation .. ':lock') ~= token then return { 'lost' } end
local v = call('HMGET', key, 'generation', 'noticeState', 'noticeLease')
if v[1] ~= generation or v[2] ~= 'pending' then return { 'over' } end
if v[3] == lease then return { 'begun', record(id) } end
call('ZREM', P .. 'outbox', 'notice:' .. id .. '.' .. generation)
-- A notice whose every attempt took its worker down ends too.
if call('HINCRBY', key, 'noticeAttempts', 1) > tonumber(limit) then
  call('HSET', key, 'noticeState', 'failed', 'noticeAttempts', limit)
  call('SREM', P .. 'notify', id)
  return { 'over' }
end
call('HSET', key, 'noticeLease', lease)
return { 'begun', record(id) }
`;

/** ARGV: id, lease, outcome, whether it arrived ('1' or ''), most attempts. Answers lost | delivered | failed | retry and the attempts. */
export const NOTICE_END = `
local id, lease, outcome, arrived, limit = unpack(ARGV)
local key = job(id)
local v = call('HMGET', key, 'noticeState', 'noticeLease', 'noticeAttempts')
if v[2] ~= lease then return { 'lost' } end
if v[1] ~= 'pending' then return { v[1] } end
if outcome ~= '' then call('HSET', key, 'noticeOutcome', outcome) else call('HDEL', key, 'noticeOutcome') end
if arrived ~= '1' and tonumber(v[3]) < tonumber(limit) then return { 'retry', v[3] } end
local state = arrived == '1' and 'delivered' or 'failed'
call('HSET', key, 'noticeState', state)
call('SREM', P .. 'notify', id)
return { state }
`;
