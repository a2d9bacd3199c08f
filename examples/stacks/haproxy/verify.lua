-- Asks /auth/verify about a request. Sets txn.status to its answer, 503 without one, and the headers of the user.
local accounts = "http://127.0.0.1:4000/auth/verify"
local identity = { "x-auth-user-id", "x-auth-session-id", "x-auth-role" }

core.register_action("verify", { "http-req" }, function(txn)
  local headers = {}
  for name, values in pairs(txn.http:req_get_headers()) do
    headers[name] = {}
    for index = 0, #values do headers[name][index + 1] = values[index] end
  end
  -- The body stays here.
  for _, name in ipairs({ "content-length", "transfer-encoding", "content-type", "connection", "upgrade", "expect" }) do
    headers[name] = nil
  end
  headers["x-forwarded-method"] = { txn.f:method() }
  headers["x-forwarded-host"] = headers["host"]
  headers["x-forwarded-for"] = { txn.f:src() }

  local answer = core.httpclient():get({ url = accounts, headers = headers, timeout = 5000 })
  txn:set_var("txn.status", answer.status or 503)
  if answer.status == 200 then
    for _, name in ipairs(identity) do
      local value = answer.headers[name]
      if value then txn.http:req_set_header(name, value[0]) end
    end
  end
end)
