"""The statements of the hot path. Leases and order are decided by the database's clock and sequence, never by ours."""

from __future__ import annotations

from strategies.engine import limit_sql as limits

WORKING = "('submitted', 'unknown', 'accepted', 'partially_filled', 'pending_cancel')"
ALIVE = "('pending', 'submitted', 'unknown', 'accepted', 'partially_filled', 'pending_cancel')"

# The switch that forbids an order, if any: halted stops all but a requested close, reducing only entries. ``x`` is the order.
_SWITCH = """
SELECT c.state, c.scope FROM strategies_controlstate AS c
 WHERE ((c.state = 'halted' AND x.purpose <> 'flatten') OR (c.state = 'reducing' AND x.purpose = 'entry'))
   AND (c.until IS NULL OR c.until > clock_timestamp())
   AND (c.scope = 'platform'
        OR (c.scope = 'broker' AND c.object_id = {broker})
        OR (c.scope = 'user' AND c.object_id = x.user_id::text)
        OR (c.scope = 'strategy' AND c.object_id = x.strategy_id::text)
        OR (c.scope = 'broker_account' AND c.object_id = x.broker_account_id::text))
 ORDER BY c.state = 'halted' DESC LIMIT 1
"""
_SWITCH_OF_ROW = _SWITCH.replace(
    "{broker}",
    """(SELECT b.broker FROM brokers_brokeraccount AS a JOIN brokers_brokerconnection AS b ON b.id = a.connection_id
                                              WHERE a.id = x.broker_account_id)""",
)
_SWITCH_OF_DRAFT = _SWITCH.replace("{broker}", "x.broker")

# Newest fire time wins, and of equal or unknown ones the latest to arrive (ids of one millisecond are in no order); what only
# cancels says nothing of a position, though it ends what still waits for its time.
OVERTAKEN = """
EXISTS (SELECT 1 FROM (
        SELECT n.id, n.received_at, n.alert_time, n.plan FROM strategies_signal AS n
         WHERE n.strategy_id = s.strategy_id AND n.planned_at IS NOT NULL AND n.progress <> 'superseded'
         ORDER BY n.id DESC LIMIT 50) AS n
       WHERE n.id <> s.id
         AND (n.plan ->> 'kind' IN ('target', 'enter', 'reduce')
              OR (n.plan ->> 'kind' = 'cancel' AND s.due_at IS NOT NULL))
         AND CASE WHEN n.alert_time IS NULL OR s.alert_time IS NULL THEN (n.received_at, n.id) > (s.received_at, s.id)
                  ELSE (n.alert_time, n.received_at, n.id) > (s.alert_time, s.received_at, s.id) END)
"""

# The signal as ``s``, with the terms of its strategy, what was planned before it, and the switches that are not at running.
_TERMS = f"""
       s.id, s.user_id, s.strategy_id, s.fence, s.attempts, s.source, s.alert, s.received_at, s.alert_time,
       {OVERTAKEN} AS overtaken, st.active,
       s.due_at IS NOT NULL AS is_delayed, coalesce(extract(epoch FROM s.due_at - s.received_at), 0)::float8 AS delayed_by,
       extract(epoch FROM clock_timestamp() - s.received_at)::float8 AS waited,
       st.symbol, st.position_size, st.position_add, st.take_profit, st.stop_loss, st.tpsl_units, st.trim,
       st.directional_strategy, st.risk, st.time_in_force,
       (SELECT count(*) FROM strategies_allocation AS n WHERE n.strategy_id = s.strategy_id) AS account_count,
       (SELECT json_build_object('plan', p.plan, 'alert_time', p.alert_time)
          FROM (SELECT p.id, p.received_at, p.alert_time, p.plan FROM strategies_signal AS p
                 WHERE p.strategy_id = s.strategy_id AND p.planned_at IS NOT NULL AND p.progress <> 'superseded'
                 ORDER BY p.id DESC LIMIT 50) AS p
         WHERE (p.received_at, p.id) < (s.received_at, s.id) AND p.plan ->> 'chart' IS NOT NULL
         ORDER BY p.received_at DESC, p.id DESC LIMIT 1) AS previous,
       (SELECT json_agg(json_build_array(c.scope, c.object_id, c.state)) FROM strategies_controlstate AS c
         WHERE c.state <> 'running' AND (c.until IS NULL OR c.until > clock_timestamp())) AS switches,
       {limits.OF_SIGNAL}
"""  # noqa: S608 - a constant of ours

# Take a signal if it is free: queued, or left behind by an executor whose lease ran out. This commit need not reach the disk: a
# claim that a crash of the database forgets is taken again, and the orders' unique key lets nothing be written twice.
CLAIM_SIGNAL = f"""
UPDATE strategies_signal AS s
   SET progress = 'executing', claimed_by = %(worker)s, fence = nextval('strategies_fence'),
       lease_until = clock_timestamp() + %(lease)s * interval '1 second', attempts = s.attempts + 1
  FROM strategies_strategy AS st
 WHERE s.id = %(signal)s AND s.status = 'accepted' AND st.id = s.strategy_id
   AND (s.due_at IS NULL OR s.due_at <= clock_timestamp())
   AND (s.progress = 'queued' OR (s.progress = 'executing' AND s.lease_until < clock_timestamp()))
RETURNING {_TERMS}, set_config('synchronous_commit', 'off', true) AS durability
"""  # noqa: S608 - a constant of ours

SIGNAL = f"""
SELECT {_TERMS} FROM strategies_signal AS s JOIN strategies_strategy AS st ON st.id = s.strategy_id WHERE s.id = %(signal)s
"""  # noqa: S608 - a constant of ours

# A large fan-out is read in parts, by allocation: the first orders are on their way before the last account is known.
_PART = """
(SELECT part.id FROM strategies_allocation AS part
  WHERE part.strategy_id = (SELECT strategy_id FROM strategies_signal WHERE id = %(signal)s) AND part.id > %(after)s
  ORDER BY part.id LIMIT %(limit)s)
"""

ACCOUNTS = f"""
SELECT al.id AS allocation_id, al.multiplier, al.max_contracts, al.enabled AS allocation_enabled,
       a.id AS account_id, a.external_id, a.name, a.environment, a.multiplier AS account_multiplier,
       a.max_contracts AS account_max_contracts, a.equity,
       {limits.COUNTS_OF_ACCOUNT}, a.enabled AS account_enabled, a.state AS account_state,
       c.id AS connection_id, c.broker, c.state AS connection_state, c.state_reason AS connection_reason,
       EXISTS (SELECT 1 FROM strategies_allocation AS other
                WHERE other.broker_account_id = a.id AND other.strategy_id <> al.strategy_id) AS is_shared
  FROM strategies_allocation AS al
  JOIN brokers_brokeraccount AS a ON a.id = al.broker_account_id
  JOIN brokers_brokerconnection AS c ON c.id = a.connection_id
 WHERE al.id IN {_PART}
 ORDER BY al.id
"""  # noqa: S608 - a constant of ours

_ACCOUNTS_OF_PART = f"(SELECT broker_account_id FROM strategies_allocation WHERE id IN {_PART})"  # noqa: S608

# What each of the accounts still has open, what this signal already has there, and the last that each did moments ago: ids rise
# with time, so ``lately`` is an id, and no account's history is looked through.
_OPEN_ORDERS = f"""
WITH chosen AS (
    SELECT x.id FROM strategies_order AS x WHERE x.broker_account_id IN {{accounts}} AND x.status IN {WORKING}
     UNION
    SELECT x.id FROM strategies_order AS x WHERE x.signal_id = %(signal)s AND x.broker_account_id IN {{accounts}}
     UNION
    SELECT last.id FROM (
        SELECT DISTINCT ON (x.broker_account_id, x.instrument_id) x.id FROM strategies_order AS x
         WHERE x.broker_account_id IN {{accounts}} AND x.id > %(lately)s AND x.status NOT IN ('denied', 'pending')
           AND x.signal_id IS DISTINCT FROM %(signal)s
         ORDER BY x.broker_account_id, x.instrument_id, x.id DESC) AS last
)
SELECT o.id, o.signal_id, o.strategy_id, o.broker_account_id, o.instrument_id, o.status, o.side, o.quantity, o.order_type,
       o.purpose, o.client_order_id, o.venue_order_id, o.filled_quantity,
       extract(epoch FROM clock_timestamp() - o.planned_at)::float8 AS age,
       coalesce(nullif(g.alert ->> 'explicit_id', ''), nullif(g.alert ->> 'order_id', ''), '') AS identity
  FROM strategies_order AS o LEFT JOIN strategies_signal AS g ON g.id = o.signal_id
 WHERE o.id IN (SELECT id FROM chosen)
 ORDER BY o.planned_at DESC
"""  # noqa: S608 - constants of ours

# Their protective orders, of entries that filled or may have filled: the recorder's word for it comes a moment later.
_OPEN_LEGS = f"""
SELECT l.id, l.kind, l.status, l.venue_order_id, l.client_order_id, l.price, l."offset", l."trailing", l.quantity,
       o.id AS order_id, o.broker_account_id, o.instrument_id, o.strategy_id, o.side, o.average_price, o.filled_quantity,
       o.quantity AS entry_quantity, o.order_type, o.venue_order_id AS entry_venue_id, o.client_order_id AS entry_client_id
  FROM strategies_bracketleg AS l JOIN strategies_order AS o ON o.id = l.order_id
 WHERE l.status IN {ALIVE} AND (o.filled_quantity > 0 OR o.status IN {WORKING} OR o.status = 'filled')
   AND o.broker_account_id IN {{accounts}}
"""  # noqa: S608 - constants of ours

OPEN_ORDERS = _OPEN_ORDERS.replace("{accounts}", _ACCOUNTS_OF_PART)
OPEN_LEGS = _OPEN_LEGS.replace("{accounts}", _ACCOUNTS_OF_PART)
ACCOUNT_ORDERS = _OPEN_ORDERS.replace("{accounts}", "(%(account)s)")
ACCOUNT_LEGS = _OPEN_LEGS.replace("{accounts}", "(%(account)s)")

INSTRUMENTS = """
SELECT m.symbol, m.broker, m.environment, extract(epoch FROM clock_timestamp() - m.resolved_at)::float8 AS age, i.*
  FROM brokers_symbolmapping AS m JOIN brokers_instrument AS i ON i.id = m.instrument_id
 WHERE m.symbol = %(symbol)s
"""

INSTRUMENTS_HELD = """
SELECT * FROM brokers_instrument WHERE broker = %(broker)s AND environment = %(environment)s AND venue_id = ANY(%(ids)s)
"""

# Goes after PLANNED, which holds the signal's row: an executor that lost its signal to another while it slept writes nothing.
# One statement writes a batch and claims what is to be sent now: the unique key (signal, account, leg) is the claim. Whoever
# comes second inserts nothing and sends nothing. The switches are read in the same statement, so nothing slips past a halt.
INSERT_ORDERS = f"""
INSERT INTO strategies_order (
    id, user_id, signal_id, strategy_id, broker_account_id, instrument_id, purpose, leg, depends_on_id, attempt,
    client_order_id, venue_order_id, symbol, venue_symbol, side, quantity, order_type, limit_price, stop_price, trail_offset,
    time_in_force, reference_price, status, deny_code, deny_context, reject_reason, venue_message, filled_quantity,
    claimed_by, fence, lease_until, cancel_after, cancel_due_at, lookups, planned_at, settled_at, updated_at)
SELECT x.id, x.user_id, x.signal_id, x.strategy_id, x.broker_account_id, x.instrument_id, x.purpose, x.leg, x.depends_on_id, 0,
       x.client_order_id, '', x.symbol, x.venue_symbol, x.side, x.quantity, x.order_type, x.limit_price, x.stop_price,
       x.trail_offset, x.time_in_force, x.reference_price, v.status,
       CASE WHEN w.state IS NULL THEN x.deny_code ELSE 'CONTROL_' || upper(w.state) END,
       CASE WHEN w.state IS NULL THEN x.deny_context ELSE jsonb_build_object('scope', replace(w.scope, '_', ' ')) END, '', '', 0,
       CASE WHEN v.status = 'submitted' THEN %(worker)s ELSE '' END, %(fence)s,
       CASE WHEN v.status = 'submitted' THEN clock_timestamp() + %(lease)s * interval '1 second' END, x.cancel_after,
       CASE WHEN v.status = 'submitted' THEN clock_timestamp() + x.cancel_after * interval '1 second' END, 0, clock_timestamp(),
       CASE WHEN v.status = 'denied' THEN clock_timestamp() END, clock_timestamp()
  FROM jsonb_to_recordset(%(rows)s) AS x(
    id uuid, user_id uuid, signal_id uuid, strategy_id uuid, broker_account_id uuid, instrument_id bigint, purpose text,
    leg smallint, depends_on_id uuid, client_order_id text, symbol text, venue_symbol text, side text, quantity numeric,
    order_type text, limit_price numeric, stop_price numeric, trail_offset numeric, time_in_force text,
    reference_price numeric, cancel_after integer, status text, deny_code text, deny_context jsonb, broker text)
  LEFT JOIN LATERAL (SELECT * FROM ({_SWITCH_OF_DRAFT}) AS w WHERE x.status <> 'denied') AS w ON true
 CROSS JOIN LATERAL (SELECT CASE WHEN w.state IS NULL THEN x.status ELSE 'denied' END AS status) AS v
 WHERE EXISTS (SELECT 1 FROM strategies_signal AS s WHERE s.id = %(signal)s AND s.fence = %(fence)s)
ON CONFLICT (signal_id, broker_account_id, leg) DO NOTHING
RETURNING id, status, deny_code, deny_context
"""  # noqa: S608 - constants of ours

INSERT_LEGS = """
INSERT INTO strategies_bracketleg (id, order_id, kind, "offset", price, "trailing", fixed, quantity, client_order_id,
                                   venue_order_id, status, reject_reason, filled_quantity, updated_at)
SELECT r.id, r.order_id, r.kind, r."offset", r.price, r."trailing", r.fixed, r.quantity, r.client_order_id, '', r.status, '', 0,
       clock_timestamp()
  FROM jsonb_to_recordset(%(rows)s) AS r(
    id uuid, order_id uuid, kind text, "offset" numeric, price numeric, "trailing" boolean, fixed boolean, quantity numeric,
    client_order_id text, status text)
 WHERE EXISTS (SELECT 1 FROM strategies_order AS o WHERE o.id = r.order_id AND o.status <> 'denied')
ON CONFLICT DO NOTHING
"""

PLANNED = """
WITH batch AS (
    INSERT INTO strategies_orderbatch (id, signal_id, accounts, created_at)
    VALUES (%(batch)s, %(signal)s, %(accounts)s, clock_timestamp()) ON CONFLICT (signal_id) DO NOTHING
)
UPDATE strategies_signal
   SET planned_at = coalesce(planned_at, clock_timestamp()),
       plan = %(plan)s || jsonb_build_object('accounts', coalesce(plan -> 'accounts', '{}'::jsonb) || %(why)s)
 WHERE id = %(signal)s AND fence = %(fence)s
"""

# A pending order becomes ours by compare-and-set. ``depends`` ones wait for their exit and are claimed one by one.
CLAIM_ORDER = f"""
UPDATE strategies_order AS x
   SET status = 'submitted', claimed_by = %(worker)s, fence = nextval('strategies_fence'),
       quantity = coalesce(%(quantity)s, x.quantity),
       cancel_due_at = clock_timestamp() + x.cancel_after * interval '1 second',
       lease_until = clock_timestamp() + %(lease)s * interval '1 second', updated_at = clock_timestamp()
 WHERE x.id = %(order)s AND x.status = 'pending' AND NOT EXISTS ({_SWITCH_OF_ROW})
RETURNING x.fence
"""  # noqa: S608 - constants of ours

SWITCH = f"""
SELECT w.state, w.scope FROM strategies_order AS x CROSS JOIN LATERAL ({_SWITCH_OF_ROW}) AS w WHERE x.id = %(order)s
"""  # noqa: S608 - constants of ours

# A second attempt after proof that the first never reached the venue (or was refused for the moment).
CLAIM_AGAIN = f"""
UPDATE strategies_order AS x
   SET status = 'submitted', claimed_by = %(worker)s, fence = nextval('strategies_fence'), attempt = x.attempt + 1,
       client_order_id = %(client_order_id)s, quantity = %(quantity)s, sent_at = NULL, lookups = 0, next_lookup_at = NULL,
       lease_until = clock_timestamp() + %(lease)s * interval '1 second', updated_at = clock_timestamp()
 WHERE x.id = %(order)s AND x.status = 'unknown' AND x.attempt = %(attempt)s AND NOT EXISTS ({_SWITCH_OF_ROW})
RETURNING x.fence
"""  # noqa: S608 - constants of ours

# Renewed after a wait; what comes back with it is the switch that was turned meanwhile, if any. An exit may have become smaller.
EXTEND_ORDER = f"""
UPDATE strategies_order AS x
   SET lease_until = clock_timestamp() + %(lease)s * interval '1 second', quantity = coalesce(%(quantity)s, x.quantity)
 WHERE x.id = %(order)s AND x.fence = %(fence)s AND x.status = 'submitted'
RETURNING x.id, (SELECT json_build_object('state', w.state, 'scope', w.scope) FROM ({_SWITCH_OF_ROW}) AS w) AS switch
"""  # noqa: S608 - constants of ours

EXTEND_SIGNALS = """
UPDATE strategies_signal SET lease_until = clock_timestamp() + %(lease)s * interval '1 second'
 WHERE id = ANY(%(signals)s) AND claimed_by = %(worker)s AND progress = 'executing'
"""

# What the venue answered. A report of the stream may have been faster: then the state it set stays.
RECORD_OUTCOMES = """
UPDATE strategies_order AS o
   SET sent_at = coalesce(o.sent_at, clock_timestamp() - r.sent_ago * interval '1 second'),
       answered_at = coalesce(o.answered_at, clock_timestamp() - r.answered_ago * interval '1 second'),
       venue_order_id = CASE WHEN r.venue_order_id <> '' THEN r.venue_order_id ELSE o.venue_order_id END,
       venue_message = CASE WHEN r.message <> '' THEN r.message ELSE o.venue_message END,
       reject_reason = CASE WHEN r.status IN ('rejected', 'expired') AND o.status IN ('submitted', 'unknown')
                            THEN r.message ELSE o.reject_reason END,
       deny_code = CASE WHEN o.status IN ('submitted', 'unknown') THEN r.deny_code ELSE o.deny_code END,
       status = CASE WHEN o.status IN ('submitted', 'unknown') THEN r.status ELSE o.status END,
       settled_at = CASE WHEN r.status IN ('rejected', 'expired') AND o.status IN ('submitted', 'unknown')
                         THEN clock_timestamp() ELSE o.settled_at END,
       next_lookup_at = CASE WHEN r.status = 'unknown' THEN clock_timestamp() + %(lookup)s * interval '1 second' END,
       lease_until = NULL, updated_at = clock_timestamp()
  FROM jsonb_to_recordset(%(rows)s) AS r(
    id uuid, fence bigint, status text, deny_code text, venue_order_id text, message text, sent_ago float8,
    answered_ago float8)
 WHERE o.id = r.id AND o.fence = r.fence
"""

# Legs taken away for an exit are wanted again until the position is known to be gone: written with the exit itself, so that no
# crash leaves what stays open without its stop. Their old ids stay, so that the venue's last words about them find the row.
WANT_LEGS = """
UPDATE strategies_bracketleg AS l SET status = 'pending', client_order_id = r.client_order_id, updated_at = clock_timestamp()
  FROM jsonb_to_recordset(%(rows)s) AS r(id uuid, client_order_id text)
 WHERE l.id = r.id AND l.status <> 'filled'
"""

# ``replaces`` is our own decision about a leg; without it the venue's word, which a report may have brought before, stays.
RECORD_LEGS = """
UPDATE strategies_bracketleg AS l
   SET venue_order_id = CASE WHEN r.venue_order_id <> '' THEN r.venue_order_id ELSE l.venue_order_id END,
       client_order_id = CASE WHEN r.client_order_id <> '' THEN r.client_order_id ELSE l.client_order_id END,
       price = coalesce(r.price, l.price), quantity = coalesce(r.quantity, l.quantity),
       status = CASE WHEN l.status = 'filled' THEN l.status
                     WHEN l.status IN ('pending', 'submitted', 'unknown') OR r.replaces THEN r.status ELSE l.status END,
       reject_reason = coalesce(r.reason, l.reject_reason), updated_at = clock_timestamp()
  FROM jsonb_to_recordset(%(rows)s) AS r(
    order_id uuid, kind text, venue_order_id text, client_order_id text, price numeric, quantity numeric, status text,
    reason text, replaces boolean)
 WHERE l.order_id = r.order_id AND l.kind = r.kind
"""

INSERT_EVENTS = """
INSERT INTO strategies_orderevent (order_id, at, kind, message, data)
SELECT r.order_id, clock_timestamp() - r.ago * interval '1 second', r.kind, r.message, r.data
  FROM jsonb_to_recordset(%(rows)s) AS r(order_id uuid, ago float8, kind text, message text, data jsonb)
 WHERE EXISTS (SELECT 1 FROM strategies_order AS o WHERE o.id = r.order_id)
"""

# For a transaction that need not wait for the disk: what a crash of the database forgets of answers and reports, the venue tells
# again when it is asked, and it is asked about every order without an answer.
NO_HURRY = "SELECT set_config('synchronous_commit', 'off', true)"
TELL = "SELECT pg_notify(%(channel)s, '')"

INSERT_DOMAIN_EVENTS = """
INSERT INTO common_domainevent (type, user_id, data, created_at)
SELECT r.type, r.user_id, r.data, clock_timestamp()
  FROM jsonb_to_recordset(%(rows)s) AS r(type text, user_id uuid, data jsonb)
"""

FINISH_SIGNALS = """
UPDATE strategies_signal SET progress = 'done', finished_at = clock_timestamp(), lease_until = NULL
 WHERE id = ANY(%(signals)s) AND claimed_by = %(worker)s AND progress = 'executing'
"""

# Five attempts that ended in a fault of ours are enough: the owner is told instead of being kept waiting.
GIVE_UP_SIGNAL = """
UPDATE strategies_signal SET progress = 'done', finished_at = clock_timestamp(), lease_until = NULL,
       code = 'EXECUTION_FAILED', message = %(message)s
 WHERE id = %(signal)s AND fence = %(fence)s
"""

# An attempt that failed over a database that was away does not count (``free``); the others wait longer each time.
RETRY_SIGNALS = """
UPDATE strategies_signal
   SET attempts = CASE WHEN id = ANY(%(free)s) THEN greatest(attempts - 1, 0) ELSE attempts END,
       lease_until = clock_timestamp()
                     + CASE WHEN id = ANY(%(free)s) THEN 0 ELSE 2 ^ (attempts - 1) - 1 END * interval '1 second'
 WHERE id = ANY(%(signals)s) AND claimed_by = %(worker)s AND progress = 'executing'
"""

SUPERSEDE_SIGNAL = """
UPDATE strategies_signal SET progress = 'superseded', finished_at = clock_timestamp(), lease_until = NULL,
       code = %(code)s, message = %(message)s
 WHERE id = %(signal)s AND fence = %(fence)s
"""

DENY_PENDING = """
UPDATE strategies_order SET status = 'denied', deny_code = %(code)s, deny_context = %(context)s,
       settled_at = clock_timestamp(), updated_at = clock_timestamp()
 WHERE id = %(order)s AND status = 'pending'
RETURNING id
"""

INSERT_REPORTS = """
INSERT INTO brokers_reportbatch (connection_id, environment, payload, attempts, waiting_for, created_at)
SELECT r.connection_id, r.environment, r.payload, 0, '[]'::jsonb, clock_timestamp()
  FROM jsonb_to_recordset(%(rows)s) AS r(connection_id uuid, environment text, payload jsonb)
 WHERE EXISTS (SELECT 1 FROM brokers_brokerconnection AS c WHERE c.id = r.connection_id)
"""

REPORTS_WAITING = """
SELECT 1 FROM brokers_reportbatch WHERE connection_id = %(connection)s AND attempts < 3 AND waiting_for = '[]'::jsonb LIMIT 1
"""

# A close that we ask for ourselves: the protection that was asked for cannot be had, so the position must not stay.
INSERT_CLOSE = """
INSERT INTO strategies_order (
    id, user_id, signal_id, strategy_id, broker_account_id, instrument_id, purpose, leg, attempt, client_order_id,
    venue_order_id, symbol, venue_symbol, side, quantity, order_type, time_in_force, status, deny_code, deny_context,
    reject_reason, venue_message, filled_quantity, claimed_by, fence, lookups, planned_at, updated_at)
SELECT %(id)s, o.user_id, NULL, o.strategy_id, o.broker_account_id, o.instrument_id, 'exit', 0, 0, %(client_order_id)s,
       '', o.symbol, o.venue_symbol, CASE o.side WHEN 'buy' THEN 'sell' ELSE 'buy' END, %(quantity)s, 'market', 'day',
       'pending', '', '{}'::jsonb, '', '', 0, '', 0, 0, clock_timestamp(), clock_timestamp()
  FROM strategies_order AS o WHERE o.id = %(entry)s
"""
