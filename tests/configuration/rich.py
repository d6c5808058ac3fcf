"""A configuration that uses every section and most fields."""

RICH = """
version: 1
connections:
- {name: gpu, provider: vllm, base_url: "http://10.0.0.7:8000/v1"}
- name: openai
  provider: openai
  secrets: ["env:OPENAI_A", "env:OPENAI_B", "file:/run/secrets/openai"]
  headers: {openai-project: proj_1}
  cancels_on_close: false
guardrails:
- {name: hide, kind: pii, action: redact, way: in, pii: {entities: [email, phone]}}
models:
- {name: shared, targets: [{connection: gpu, model: llama}]}
- {name: embedder, kind: embedding, targets: [{connection: openai, model: text-embedding-3-small}]}
prices:
- {provider: openai, model: gpt-4o, since: 2026-12-01, input: "2.00", cache_read: "1.00",
   output: "8.00", searches: "10.00", request: "0.0001"}
- {provider: openai_compatible, free: true}
- {connection: gpu, model: llama, input: "0", output: "0"}
tiers:
- {name: trial, requests_per_day: 25, upgrade_hint: Buy more.}
- {name: free, requests_per_day: 11, upgrade_hint: Ask.}
---
organisation: acme
name: Acme GmbH
time_zone: Europe/Berlin
tier: trial
teams: [{slug: research, name: Research}, {slug: ops}]
users:
- {email: Ann@acme.example, name: Ann, role: admin}
- {email: bob@acme.example}
connections:
- {name: bedrock, provider: bedrock, region: eu-central-1, secret: "env:BEDROCK"}
- {name: vertex, provider: vertex, region: europe-west1, project: acme-llm, secret: "file:/v.json"}
- {name: world, provider: vertex, region: global, project: acme-llm, secret: "file:/v.json"}
- {name: azure, provider: azure, resource: acme, secret: "env:AZURE"}
- {name: odd, provider: azure, base_url: "https://odd.example/openai/v1", secret: "env:AZURE"}
guardrails:
- {name: topics, kind: topics, topics: {deny: {weapons: ["nerve agent*", "build a bomb"]}}}
- {name: short, kind: size, action: note, size: {characters: 10000}}
models:
- name: vendor/fast
  targets:
  - {connection: gpu, model: qwen, weight: 3}
  - {connection: openai, model: gpt-4o-mini, state: draining}
  - {connection: azure, model: mini}
  max_tokens: 4096
  hold_headers: 5
  on_unsupported: refuse
  route:
    policy: sticky
    sticky_by: user
    rules:
    - when: {team: research, input_tokens_from: 1000, needs: [tools], tags: {a.b: c}}
      targets: [gpu, azure/mini]
      policy: weighted
    - {targets: [openai]}
    fallbacks: {error: [slow, shared], budget: [shared]}
    retry: {attempts: 3, budget: 0.5}
    circuit: {failures: 0.4, slow: 20}
    timeouts: {first_token: 9.5}
    hedge: {}
    buffered: true
  cache: {enabled: true, mode: semantic, embedding: embedder, threshold: 0.97, charge: full}
  guardrails: [hide, topics, short]
- {name: slow, targets: [{connection: bedrock, model: nova}], route: {}, cache: {}}
prices:
- {connection: openai, input: "1.50", output: "6.00"}
- {provider: bedrock, request: "0.5"}
keys:
- name: build
  team: research
  scopes: [inference]
  aliases: [vendor/fast, shared]
  tags: {cost-centre: "42"}
  tier: house
  cache: false
  buffered: true
  expires: 2027-01-01 12:00:00.250
- {name: ann, user: ann@acme.example, expires: 2027-01-01}
- {name: plain}
tiers: [{name: house, requests_per_day: 7, scope: key}]
limits:
- {counts: requests, amount: 600, burst: 50}
- {counts: concurrency, amount: 40}
- {scope: key, scope_id: build, counts: tokens, amount: 9, algorithm: sliding_window}
- {scope: user, scope_id: ann@acme.example, counts: requests, amount: 1, per_seconds: 1,
   shadow: true}
budgets:
- {name: all, amount: "1000.00"}
- {amount: "0.000000001", window: total, hard: false}
- {scope: team, scope_id: research, amount: "2.5", window: week, time_zone: Europe/Berlin}
- {scope: alias, scope_id: shared, amount: 1, window: day, reserve: expected, overshoot: "0.1"}
- {scope: user, amount: 5, window: rolling, rolling_seconds: 86400}
---
organisation: globex
"""
