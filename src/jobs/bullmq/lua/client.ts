/** Scripts of those who submit, look and cancel. Each answers a list whose first item says how it went. */

/**
 * ARGV: id, owner, spec (JSON), webhook ('1' or ''), idempotency key (hashed, or ''), fingerprint, most queued jobs, and of this owner ('' for as many).
 * Answers created | known | mismatch | full, and the record.
 */
export const CREATE = `
local id, owner, spec, webhook, idempotency, fingerprint, limit, ownerLimit = unpack(ARGV)
if call('EXISTS', job(id)) == 1 then return { 'created', record(id) } end
if idempotency ~= '' then
  local other = call('GET', P .. 'idempotency:' .. idempotency)
  if other and call('EXISTS', job(other)) == 1 then
    if call('HGET', job(other), 'fingerprint') ~= fingerprint then return { 'mismatch' } end
    return { 'known', record(other), other }
  end
end
if call('ZCARD', P .. 'state:queued') >= tonumber(limit) then return { 'full' } end
if ownerLimit ~= '' and call('ZCARD', P .. 'owned:queued:' .. owner) >= tonumber(ownerLimit) then return { 'full' } end
local at = clock()
local seq = call('INCR', P .. 'seq')
call('HSET', job(id), 'spec', spec, 'owner', owner, 'webhook', webhook, 'fingerprint', fingerprint, 'idempotency', idempotency,
  'seq', seq, 'generation', 1, 'state', 'queued', 'created', at, 'attempts', 0)
index(id, 'queued', owner, seq, at)
call('ZADD', P .. 'all', seq, id)
call('ZADD', P .. 'owned:all:' .. owner, seq, id)
if idempotency ~= '' then call('SET', P .. 'idempotency:' .. idempotency, id) end
call('ZADD', P .. 'outbox', at, 'job:' .. id .. '.1')
event(id, 'queued', at)
return { 'created', record(id) }
`;

/** ARGV: id. Answers its record, empty when there is none. */
export const GET = `return record(ARGV[1])`;

/** ARGV: id. Answers missing | ended | cancelled, and the record. */
export const CANCEL = `
local id = ARGV[1]
local state = call('HGET', job(id), 'state')
if not state then return { 'missing' } end
if TERMINAL[state] then return { 'ended', record(id) } end
finish(id, 'cancelled', clock(), '')
call('PUBLISH', P .. 'cancelled', id)
return { 'cancelled', record(id) }
`;

/** ARGV: id, what the caller takes for its generation. Answers missing | refused | queued, and the record. */
export const RETRY = `
local id = ARGV[1]
local key = job(id)
local state = call('HGET', key, 'state')
if not state then return { 'missing' } end
local generation = call('HGET', key, 'generation')
if state == 'queued' and ARGV[2] ~= generation then return { 'queued', record(id) } end
if ARGV[2] ~= generation or (state ~= 'failed' and state ~= 'cancelled') then return { 'refused' } end
local at = clock()
call('ZREM', P .. 'outbox', 'notice:' .. id .. '.' .. generation)
generation = call('HINCRBY', key, 'generation', 1)
call('HDEL', key, 'finished', 'started', 'error', 'result', 'noticeState', 'noticeAttempts', 'noticeOutcome', 'noticeLease',
  'failures', 'crashes', 'resume', 'lease')
call('SREM', P .. 'notify', id)
call('HSET', key, 'attempts', 0)
move(id, 'queued', at)
call('ZADD', P .. 'outbox', at, 'job:' .. id .. '.' .. generation)
event(id, 'queued', at)
return { 'queued', record(id) }
`;

/** ARGV: id. Answers missing | unfinished | removed. */
export const REMOVE = `
local id = ARGV[1]
local v = call('HMGET', job(id), 'state', 'owner', 'idempotency', 'generation')
if not v[1] then return { 'missing' } end
if not TERMINAL[v[1]] then return { 'unfinished' } end
unindex(id, v[1], v[2])
call('ZREM', P .. 'all', id)
call('ZREM', P .. 'owned:all:' .. v[2], id)
call('SREM', P .. 'notify', id)
call('ZREM', P .. 'outbox', 'notice:' .. id .. '.' .. v[4])
if v[3] ~= '' and call('GET', P .. 'idempotency:' .. v[3]) == id then call('DEL', P .. 'idempotency:' .. v[3]) end
call('DEL', job(id), P .. 'pieces:' .. id, P .. 'events:' .. id)
call('PUBLISH', P .. 'events', id)
return { 'removed' }
`;

/**
 * ARGV: score below which to go on, most jobs, then the names of the sorted sets to merge. Answers pairs of id and record,
 * newest first.
 */
export const LIST = `
local top, limit = ARGV[1], tonumber(ARGV[2])
local found = {}
for i = 3, #ARGV do
  local range = call('ZREVRANGEBYSCORE', P .. ARGV[i], top, '-inf', 'WITHSCORES', 'LIMIT', 0, limit)
  for j = 1, #range, 2 do table.insert(found, { range[j], tonumber(range[j + 1]) }) end
end
table.sort(found, function(a, b) return a[2] > b[2] end)
local page = {}
for i = 1, math.min(limit, #found) do
  table.insert(page, found[i][1])
  table.insert(page, record(found[i][1]))
end
return page
`;

/** ARGV: time before which they ended, most jobs. Answers pairs of id and record, oldest first. */
export const EXPIRED = `
local page = {}
for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'ended', '-inf', '(' .. ARGV[1], 'LIMIT', 0, tonumber(ARGV[2]))) do
  table.insert(page, id)
  table.insert(page, record(id))
end
return page
`;

/** ARGV: id, priority. Answers how many jobs are taken before it, or -1 when it does not wait. */
export const WAITING = `
local id, priority = ARGV[1], tonumber(ARGV[2])
local v = call('HMGET', job(id), 'state', 'generation')
if v[1] ~= 'queued' then return -1 end
local dispatch = id .. '.' .. v[2]
local rank = call('ZRANK', P .. 'jobs:prioritized', dispatch)
if rank then return call('LLEN', P .. 'jobs:wait') + rank end
local place = call('LPOS', P .. 'jobs:wait', dispatch)
if place then return call('LLEN', P .. 'jobs:wait') - 1 - place end
return ahead(priority)
`;

/** ARGV: id. Answers state, the latest progress event or '', and all others; or nothing. */
export const EVENTS = `
local v = call('HMGET', job(ARGV[1]), 'state', 'progressEvent')
if not v[1] then return {} end
return { v[1], v[2] or '', call('LRANGE', P .. 'events:' .. ARGV[1], 0, -1) }
`;

/** Answers the counts of queued, active, completed, failed, cancelled, pending notices; the time now, and of the longest wait. */
export const STATS = `
local answer = {}
for _, state in ipairs({ 'queued', 'active', 'completed', 'failed', 'cancelled' }) do
  table.insert(answer, call('ZCARD', P .. 'state:' .. state))
end
table.insert(answer, call('SCARD', P .. 'notify'))
table.insert(answer, clock())
local oldest = call('ZRANGE', P .. 'waiting', 0, 0, 'WITHSCORES')
table.insert(answer, oldest[2] or '')
return answer
`;
