-- Own values of users at User limits. `limits:LIMIT`: user -> PER_SECOND|BURST.

-- Replaces a user's own values at limits. before: the names of the present ones. Returns the names of the new ones.
local function set_own_values(user, values, before)
  local names, kept = {}, {}
  for _, row in ipairs(values) do
    redis.call('HSET', P .. 'limits:' .. row[1], user, row[2])
    names[#names + 1], kept[row[1]] = row[1], true
    look_at_parked(row[1] .. '|' .. user)
  end
  for name in string.gmatch(before, '[^;]+') do
    if not kept[name] then
      redis.call('HDEL', P .. 'limits:' .. name, user)
      look_at_parked(name .. '|' .. user)
    end
  end
  return table.concat(names, ';')
end
