import { createScript } from './redis-script.js';

/**
 * A log at Redis, in four keys of one slot:
 * - the state, a hash; its key is also the channel on which each change is published;
 * - the entries, a sorted set of `time id text` by number;
 * - the members, a sorted set by the number of the last beat whose entries they have all applied: a
 *   member's lease runs from the moment it sent that beat;
 * - the confirmed, a sorted set of the members by the number of the last entry they applied.
 *
 * The state names an epoch, a random text. It begins anew where data may be missing, however little:
 * where the four keys do not fit each other (they were flushed, expired or evicted), and where the
 * server is not the one that wrote them last, or was started since: what was written before its start
 * or its promotion may never have reached it. An epoch begins without members, since nobody knows
 * who has a lease from the last one; it is settled when somebody has seen it for longer than such a
 * lease can last. Within an epoch nothing is lost.
 *
 * All scripts begin so. KEYS: state, entries, members, confirmed. ARGV: the command that publishes, a
 * name for the next epoch, the lease and the time to keep entries in ms, and those of the script.
 */
const BEGIN = `
local state, entries, members, confirmed = unpack(KEYS)
local verb, next_epoch, lease, retention = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local term = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
if not term then return redis.error_reply('ERR INFO replication tells no master_replid') end

local numbers = { 'settled', 'beats', 'seq', 'trimmed', 'lease', 'entries', 'members' }
local found = redis.call('HMGET', state, 'epoch', 'term', unpack(numbers))
local log = { epoch = found[1], term = found[2] }
for i, name in ipairs(numbers) do log[name] = tonumber(found[i + 2] or 0) end

local function begin_epoch()
  redis.call('DEL', members, confirmed)
  local last = redis.call('ZREVRANGE', entries, 0, 0, 'WITHSCORES')[2]
  log.epoch, log.term, log.settled, log.beats, log.lease = next_epoch, term, 0, 0, 0
  log.seq = math.max(log.seq, tonumber(last or 0))
end

local function is_whole()
  return log.term == term
    and redis.call('ZCARD', entries) == log.entries
    and redis.call('ZCARD', members) == log.members
    and redis.call('ZCARD', confirmed) == log.members
end

if not is_whole() then begin_epoch() end

local function lowest()
  local first = redis.call('ZRANGE', confirmed, 0, 0, 'WITHSCORES')[2]
  return tonumber(first or log.seq)
end

local function remove(member)
  redis.call('ZREM', members, member)
  redis.call('ZREM', confirmed, member)
end

local function raise(key, member, number)
  local before = tonumber(redis.call('ZSCORE', key, member) or 0)
  redis.call('ZADD', key, math.max(before, number), member)
  return math.max(before, number)
end

local function save()
  redis.call('HSET', state, 'epoch', log.epoch, 'term', log.term, 'settled', log.settled,
    'beats', log.beats, 'seq', log.seq, 'trimmed', log.trimmed, 'lease', log.lease,
    'entries', redis.call('ZCARD', entries), 'members', redis.call('ZCARD', members))
  for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, retention + 2 * lease) end
end

local function publish()
  redis.call(verb, state, table.concat({ log.epoch, log.settled, lowest(), log.seq }, ' '))
end
`;

/**
 * A sign of life: confirms what was applied, asks for what was not, lets go of the members whose lease
 * is over. Who is not a member becomes one when it has applied everything up to its last beat.
 *
 * ARGV: the member, the epoch that it knows, the number of the last entry it applied, the number of
 * the last beat whose entries it has all applied, that of a beat which is so long ago that the leases
 * from then are over, 1 where it has seen the epoch for so long, how many entries it takes at once.
 * Replies with the epoch, numbers, and entries. The numbers: 1 for a settled epoch, that of this beat,
 * of the last entry, of the last one that all have confirmed, of the beat that the member's lease runs
 * from, of the last entry that was too old to be kept, the longest lease and the time in ms.
 */
export const LOG_BEAT = createScript(`${BEGIN}
local member, epoch = ARGV[5], ARGV[6]
local known, good, silent, settles, limit = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10]), ARGV[11]
if epoch == log.epoch and (known > log.seq or good > log.beats) then begin_epoch() end
if epoch ~= log.epoch then known, good, silent, settles = 0, 0, 0, 0 end

local before, was_settled = lowest(), log.settled
for _ = 1, 1000 do
  local oldest = redis.call('ZRANGE', entries, 0, 0, 'WITHSCORES')
  if not oldest[1] or tonumber(string.match(oldest[1], '^(%d+) ') or 0) >= now - retention then break end
  redis.call('ZREM', entries, oldest[1])
  log.trimmed = tonumber(oldest[2])
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', members, '-inf', silent)) do remove(id) end

if log.settled == 1 and redis.call('ZCARD', members) == 0 then log.lease = 0 end
log.lease = math.max(log.lease, lease)
log.beats = log.beats + 1
log.settled = math.max(log.settled, settles)
local from = known >= log.seq and log.beats or good
if from > 0 then
  from = raise(members, member, from)
  raise(confirmed, member, known)
end
save()
if lowest() > before or log.settled ~= was_settled then publish() end
local missing = redis.call('ZRANGEBYSCORE', entries, '(' .. known, '+inf', 'WITHSCORES', 'LIMIT', 0, limit)
return { log.epoch, { log.settled, log.beats, log.seq, lowest(), from, log.trimmed, log.lease, now }, missing }
`);

/**
 * Adds entries, those that are there already once. ARGV: pairs of the time of an entry, or nothing for
 * now, and its id and text. Replies with the epoch, the number of the last beat, the longest lease,
 * the time and the number of each entry.
 */
export const LOG_APPEND = createScript(`${BEGIN}
local seqs = {}
for i = 5, #ARGV, 2 do
  local entry = (ARGV[i] == '' and now or ARGV[i]) .. ' ' .. ARGV[i + 1]
  local seq = redis.call('ZSCORE', entries, entry)
  if not seq then
    log.seq = log.seq + 1
    seq = log.seq
    redis.call('ZADD', entries, seq, entry)
  end
  seqs[#seqs + 1] = tonumber(seq)
end
save()
publish()
return { log.epoch, log.beats, log.lease, now, seqs }
`);

/** A member goes. ARGV: the member. */
export const LOG_LEAVE = createScript(`${BEGIN}
local before = lowest()
remove(ARGV[5])
save()
if lowest() > before then publish() end
return 1
`);
