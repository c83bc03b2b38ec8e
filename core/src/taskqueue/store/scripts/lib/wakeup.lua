-- Wake-ups: idle workers wait on the list `wakeup_tokens`, each with a connection for it.
local WAKEUP_TOKENS_MS = 5000

-- Wakes one idle worker. Returns the number of tokens.
local function wake_worker()
  local tokens = redis.call('LPUSH', P .. 'wakeup_tokens', '1')
  redis.call('PEXPIRE', P .. 'wakeup_tokens', WAKEUP_TOKENS_MS)
  return tokens
end
