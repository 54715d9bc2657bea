/** Scripts that find what BullMQ was not told, or has lost. */

/** ARGV: age in milliseconds. Answers the members of the outbox that are at least so old, at most 200. */
export const OUTBOX = `
return call('ZRANGEBYSCORE', P .. 'outbox', '-inf', clock() - tonumber(ARGV[1]), 'LIMIT', 0, 200)
`;

/**
 * BullMQ has no such dispatch, or takes it for done although its job is not (what it does at the end of one failed half-way).
 * Forgets the latter, or it would not take another one of the same name.
 */
const LOST = `
local function lost(queue, dispatch)
  local base = P .. queue .. ':'
  local done = call('ZREM', base .. 'failed', dispatch) + call('ZREM', base .. 'completed', dispatch)
  if done > 0 then call('DEL', base .. dispatch) end
  return call('EXISTS', base .. dispatch) == 0
end
`;

/**
 * Looks at some of the jobs that have not ended, and puts those in the outbox that BullMQ does not know (somebody emptied its
 * queue, or Redis lost its last second). ARGV: set (state:queued, state:active), number to start behind, most jobs.
 * Answers the number to start behind next, -1 at the end.
 */
export const AUDIT = `${LOST}
local set, after, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])
local range = call('ZRANGEBYSCORE', P .. set, '(' .. after, '+inf', 'WITHSCORES', 'LIMIT', 0, limit)
local at = clock()
for i = 1, #range, 2 do
  local dispatch = range[i] .. '.' .. call('HGET', job(range[i]), 'generation')
  if lost('jobs', dispatch) then call('ZADD', P .. 'outbox', 'NX', at, 'job:' .. dispatch) end
end
if #range < limit * 2 then return '-1' end
return range[#range]
`;

/** As {@link AUDIT}, of notices. ARGV: cursor of SSCAN. Answers the next one. */
export const AUDIT_NOTICES = `${LOST}
local scan = call('SSCAN', P .. 'notify', ARGV[1], 'COUNT', 200)
local at = clock()
for _, id in ipairs(scan[2]) do
  local dispatch = id .. '.' .. (call('HGET', job(id), 'generation') or '0')
  if lost('notifications', dispatch) then call('ZADD', P .. 'outbox', 'NX', at, 'notice:' .. dispatch) end
end
return scan[1]
`;
