import { createScript } from './redis-script.js';

/** How many entries are let go at a time. */
const PORTION = 16;

/**
 * A history at Redis is a Stream of batches. An entry's id is `ms-number`: the time at which the
 * batch was kept and the number of its last message among all of the channel's. Its fields are `t`,
 * the batch's tag, `p`, the position before its first message, and `b`, the batch; without a batch
 * it says that messages published before it are lost.
 *
 * A second key, which lives longer, holds four words: the position of the last message, the time and
 * the number of an entry that is no newer than the oldest, and when the stream's expiry was set.
 */
const LAST_POSITION = `
local function last_position()
  local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  return newest and newest[1] .. '.' .. newest[2][2] or ''
end
`;

/**
 * Keeps a batch and publishes it, in one step. Its sender names the last position that it was told,
 * and the tag of the batch it sent last: where neither is the last nor found, a failover has lost
 * what was confirmed, and everybody is told so before the batch. Replies with the position of the
 * last message.
 *
 * What is too much or too old is let go in portions, because most of a script's time goes into the
 * commands it calls, but large entries one by one, because it has to read them; readers leave it out
 * until then.
 *
 * KEYS: the stream, which is also the channel; the key of the last position.
 * ARGV: eight words and the batch. The words, in one argument because that is faster: the command
 * that publishes, size, ttl and ttl of the last position in ms, the position and the tag that the
 * sender remembers (`-` for none), the batch's tag, how many messages it has.
 */
export const HISTORY_PUBLISH = createScript(`${LAST_POSITION}
local stream, tail = KEYS[1], KEYS[2]
local verb, size, ttl, tail_ttl, witness, sent, tag, count =
  string.match(ARGV[1], '^(%S+) (%d+) (%d+) (%d+) (%S+) (%S+) (%S+) (%d+)$')
size, ttl, count = tonumber(size), tonumber(ttl), tonumber(count)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local last, oldest_ms, oldest, refreshed =
  string.match(redis.call('GET', tail) or '', '^(%S+) (%d+) (%d+) (%d+)$')
if not last then last, oldest_ms, oldest, refreshed = last_position(), 0, 0, 0 end
oldest_ms, oldest, refreshed = tonumber(oldest_ms), tonumber(oldest), tonumber(refreshed)
local last_ms, total, last_tag = string.match(last, '^(%d+)-(%d+)%.(.+)$')
local ms = math.max(now, tonumber(last_ms or 0))
total = tonumber(total or 0)

local function keep(tag, count, batch)
  total = total + count
  local id = string.format('%.0f-%.0f', ms, total)
  local position = id .. '.' .. tag
  redis.call('XADD', stream, id, 't', tag, 'p', last, 'b', batch)
  redis.call(verb, stream, last .. ' ' .. position .. ' ' .. count .. '\\n' .. batch)
  last = position
end

local function has_lost()
  local id, witness_tag = string.match(witness, '^([^.]+)%.(.*)$')
  local found = redis.call('XRANGE', stream, id, id)[1]
  if found and found[2][2] == witness_tag then return false end
  return last == '' or #redis.call('XRANGE', stream, '-', '(' .. id, 'COUNT', 1) > 0
end

if witness ~= '-' and witness ~= last and sent ~= last_tag and has_lost() then
  keep(tag .. '!', 1, '')
elseif count == 0 then
  return last
end
if count > 0 then keep(tag, count, ARGV[2]) end

if total - size - oldest >= ${PORTION} or oldest_ms < now - ttl * 1.0625 then
  local found
  local portion = 1
  repeat
    local old = {}
    found = redis.call('XRANGE', stream, '-', '+', 'COUNT', portion)
    for _, entry in ipairs(found) do
      local entry_ms, number = string.match(entry[1], '^(%d+)-(%d+)$')
      oldest_ms, oldest = tonumber(entry_ms), tonumber(number)
      if oldest > total - size and oldest_ms > now - ttl then break end
      old[#old + 1] = entry[1]
    end
    if #old > 0 then redis.call('XDEL', stream, unpack(old)) end
    portion = #found[1][2][6] < 4096 and ${PORTION} or 1
  until #old < #found
end
if now < refreshed or now - refreshed >= ttl * 0.0625 then
  redis.call('PEXPIRE', stream, math.ceil(ttl * 1.0625))
  refreshed = now
end
local rest = string.format(' %.0f %.0f %.0f', oldest_ms, oldest, refreshed)
redis.call('SET', tail, last .. rest, 'PX', tail_ttl)
return last
`);

/**
 * Reads batches until they hold enough messages or bytes, beginning with the one that holds the
 * message after a position, or the first one of a time; never those that are too much or too old.
 * Replies with the time, the last position, 1 where the history holds something as old as the
 * position or older, and the entries: id, tag, position before it, batch.
 *
 * KEYS: the stream, the key of the last position.
 * ARGV: 'after', 'ago', 'start' or 'end', the position or the ms, how many messages and bytes are
 * enough, size and ttl in ms.
 */
export const HISTORY_READ = createScript(`${LAST_POSITION}
local stream = KEYS[1]
local kind, from, limit, max_bytes, size, ttl = unpack(ARGV)
limit, max_bytes, size, ttl = tonumber(limit), tonumber(max_bytes), tonumber(size), tonumber(ttl)

local function split(position)
  local ms, number, tag = string.match(position, '^(%d+)-(%d+)%.?(.*)$')
  return tonumber(ms or 0), tonumber(number or 0), tag or ''
end

local function whole(number)
  return string.format('%.0f', number)
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = string.match(redis.call('GET', KEYS[2]) or '', '^(%S+) ') or last_position()
local _, total = split(last)
if kind == 'end' then return { whole(now), last, 0, {} } end

local from_ms, from_number, from_tag = 0, 0, ''
if kind == 'after' then from_ms, from_number, from_tag = split(from) end
if kind == 'ago' then from_ms = now - tonumber(from) end
local is_old = from_ms <= now - ttl
local start = is_old and whole(math.max(0, now - ttl + 1))
  or whole(from_ms) .. '-' .. whole(from_number)

local entries, bytes, base, given = {}, 0, nil, 0
while given < limit and bytes < max_bytes do
  local found = redis.call('XRANGE', stream, start, '+', 'COUNT', 16)
  if #found == 0 then break end
  for _, entry in ipairs(found) do
    local id, fields = entry[1], entry[2]
    local _, number = split(id)
    start = '(' .. id
    if number > total - size and given < limit and bytes < max_bytes then
      if not base then
        local _, before = split(fields[4])
        if fields[2] == from_tag then before = from_number end
        base = math.max(before, total - size)
      end
      entries[#entries + 1] = { id, fields[2], fields[4], fields[6] }
      given = number - base
      bytes = bytes + #fields[6]
    end
  end
end

local first = entries[1]
local follows = first and (first[2] == from_tag or first[3] == from) or last == from
local has_older = 0
if kind == 'after' and not is_old and not follows then
  local id = whole(from_ms) .. '-' .. whole(from_number)
  has_older = #redis.call('XRANGE', stream, '-', id, 'COUNT', 1)
end
return { whole(now), last, has_older, entries }
`);
