-- What this half and the Python half know by the same lists. Nothing but data: tests/vectors/lists.json has all of it, and
-- tests hold both halves to that file, so that none of them changes alone.


local function set(names)
  local made = {}
  for i = 1, #names do
    made[names[i]] = true
  end
  return made
end


return {
  -- What proxies tell one another of hosts in the house, and the API has no need of, by name and by how it begins:
  -- plugins/aws_masker/gateway/headers.py. X-Real-IP and Via are Kong's own to set.
  of_the_house = set({ "cf-connecting-ip", "forwarded", "true-client-ip", "x-client-ip", "x-cluster-client-ip" }),
  beginnings_of_the_house = { "x-envoy-", "x-forwarded-", "x-original-" },

  -- Digests of a body: that of the original confirms a guess at it.
  digests = set({ "content-digest", "content-md5", "digest", "repr-digest", "x-amz-content-sha256" }),

  -- Media types of lines of JSON. Without a type, too: the API has sent the results of batches so, and JSON is mostly
  -- written on one line. plugins/aws_masker/restore/answers.py
  json_lines = set({ "", "application/jsonl", "application/ndjson", "application/x-jsonl", "application/x-ndjson" }),
  -- Those of text, though it is not called so: files come with the type that they were sent with.
  texts = set({
    "application/javascript",
    "application/sql",
    "application/toml",
    "application/x-sh",
    "application/x-yaml",
    "application/xml",
    "application/yaml",
  }),

  -- Types of objects, and of deltas, that are left alone: plugins/aws_masker/restore/documents.py and events.py.
  immutable = set({ "compaction", "redacted_thinking", "thinking" }),
  untouched = set({ "compaction_delta", "signature_delta", "thinking_delta" }),
  release_index = set({ "content_block_start", "content_block_stop" }),
  release_all = set({ "error", "message_stop" }),

  -- What a record says of a method and a path: plugins/aws_masker/audit/record.py.
  methods = set({ "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT" }),
  segments = set({
    "batches", "cancel", "complete", "content", "count_tokens", "files", "messages", "models", "results",
  }),
}
