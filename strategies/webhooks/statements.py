"""The SQL of the way in. One statement finds out, one stores; both are prepared once per connection."""

from __future__ import annotations

# The strategy's own settings and the most restrictive switch of platform, user and strategy.
_SITUATION = """
SELECT u.id, s.id, s.name, s.symbol, s.active, s.alert_format, s.risk ->> 'max_signal_age',
       c.state, c.scope, c.reason
  FROM {source}
  LEFT JOIN LATERAL (
       SELECT state, scope, reason FROM strategies_controlstate
        WHERE state IN ('halted', 'reducing') AND (until IS NULL OR until > now())
          AND (scope = 'platform'
               OR (scope = 'user' AND object_id = u.id::text)
               OR (scope = 'strategy' AND object_id = s.id::text))
        ORDER BY state = 'halted' DESC LIMIT 1) c ON true
 WHERE {condition}
"""

BY_KEY = _SITUATION.replace(
    "{source}",
    """strategies_webhookkey k
  JOIN strategies_strategy s ON s.id = k.strategy_id
  JOIN accounts_user u ON u.id = s.user_id AND u.is_active""",
).replace(
    "{condition}",
    """k.digest = %(digest)s AND (k.retires_at IS NULL OR k.retires_at > now())
   AND (%(strategy)s::text IS NULL OR s.id::text = %(strategy)s::text)""",
)

BY_USER = _SITUATION.replace(
    "{source}",
    """accounts_user u
  LEFT JOIN strategies_strategy s
         ON s.user_id = u.id AND (s.name = %(strategy)s OR s.id::text = %(strategy)s)""",
).replace(
    "{condition}", "u.webhook_digest = %(digest)s AND u.is_active ORDER BY s.name = %(strategy)s DESC LIMIT 1"
)

_INSERT = """
    INSERT INTO strategies_signal
           (id, user_id, strategy_id, received_at, stored_at, raw_body, content_type, source_address, source,
            format, status, code, message, repairs, warnings, alert, intent, alert_time,
            due_at, duplicates, progress, claimed_by, fence, attempts, plan)
    SELECT %(id)s::uuid, %(user)s::uuid, %(strategy)s::uuid, %(received_at)s::timestamptz, now(), %(raw_body)s::bytea,
           %(content_type)s::text, %(source_address)s::inet, %(source)s::text, %(format)s::text, %(status)s::text,
           %(code)s::text, %(message)s::text, %(repairs)s::jsonb, %(warnings)s::jsonb, %(alert)s::jsonb,
           %(intent)s::text, %(alert_time)s::timestamptz, now() + make_interval(secs => %(delay)s::float8), 0,
           %(progress)s::text, '', 0, 0, '{}'::jsonb
"""

# The event that tells the rest of the product, in the transaction of what it tells of (see common.events).
_TELL = """
    INSERT INTO common_domainevent (type, user_id, data, created_at)
    SELECT %(event_type)s::text, %(user)s::uuid, %(event)s::jsonb, now() FROM stored
"""

# Claims the digest, stores the signal, tells of it and wakes the executor, all or nothing. No row comes back when
# another alert holds the digest: the claim waits for that one's commit, so of any number of equal alerts exactly one
# is stored.
STORE_ONCE = """
WITH claim AS (
    INSERT INTO strategies_alertdigest AS held (strategy_id, digest, signal_id, expires_at)
    VALUES (%(strategy)s::uuid, %(digest)s, %(id)s::uuid, now() + make_interval(secs => %(keep_seconds)s))
    ON CONFLICT (strategy_id, digest) DO UPDATE
       SET signal_id = EXCLUDED.signal_id, expires_at = EXCLUDED.expires_at
     WHERE held.expires_at <= now()
    RETURNING 1
), stored AS (
{insert}      FROM claim
    RETURNING id, progress
), told AS ({tell})
SELECT CASE WHEN progress = 'queued' THEN pg_notify('signals', id::text)::text END,
       pg_notify('domain_events', '')::text
  FROM stored
""".replace("{insert}", _INSERT).replace("{tell}", _TELL)

# For what was not understood: told of, but no digest and no wake-up. Repeating it after a lost connection changes nothing.
STORE_REJECTED = """
WITH stored AS (
{insert}    ON CONFLICT (id) DO NOTHING
    RETURNING id
), told AS ({tell})
SELECT pg_notify('domain_events', '')::text FROM stored
""".replace("{insert}", _INSERT).replace("{tell}", _TELL)

# For a test: stored for its own page, and nobody else's business.
STORE_TEST = _INSERT + "    ON CONFLICT (id) DO NOTHING"

COUNT_DUPLICATE = """
WITH first AS (
    SELECT signal_id FROM strategies_alertdigest
     WHERE strategy_id = %(strategy)s::uuid AND digest = %(digest)s
), counted AS (
    UPDATE strategies_signal SET duplicates = duplicates + 1
     WHERE id = (SELECT signal_id FROM first) AND id <> %(id)s::uuid
)
SELECT signal_id FROM first
"""
