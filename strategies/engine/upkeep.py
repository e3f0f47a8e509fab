"""The statements of the sweeper: whatever no hint reached, no answer settled, or nobody finished."""

from __future__ import annotations

from strategies.engine.sql import OVERTAKEN, WORKING

_OVERTAKEN_ORDER = OVERTAKEN.replace("s.", "g.")

UNFINISHED_SIGNALS = """
SELECT id FROM strategies_signal
 WHERE status = 'accepted' AND (due_at IS NULL OR due_at <= clock_timestamp())
   AND ((progress = 'queued' AND stored_at < clock_timestamp() - interval '0.3 seconds')
        OR (progress = 'executing' AND lease_until < clock_timestamp()))
 ORDER BY id LIMIT 200
"""

# Claimed and never answered: the claim's owner died or hung. What became of the order only the venue knows.
ABANDONED_ORDERS = """
UPDATE strategies_order SET status = 'unknown', next_lookup_at = clock_timestamp(), updated_at = clock_timestamp()
 WHERE status = 'submitted' AND (lease_until < clock_timestamp() OR (%(all)s AND claimed_by <> %(worker)s))
RETURNING id
"""

# Signals of an executor that is gone are free at once. The new fence and the missing owner shut it out should it only have been
# asleep: what it then still plans, finishes or puts off finds no row.
ABANDONED_SIGNALS = """
UPDATE strategies_signal SET lease_until = clock_timestamp(), claimed_by = '', fence = nextval('strategies_fence')
 WHERE progress = 'executing' AND claimed_by <> %(worker)s
"""

PENDING_ORDERS = """
SELECT o.id FROM strategies_order AS o LEFT JOIN strategies_order AS d ON d.id = o.depends_on_id
 WHERE o.status = 'pending'
   AND (o.signal_id IS NULL
        OR (d.status IN ('filled', 'denied', 'rejected', 'canceled', 'expired')
            AND o.planned_at < clock_timestamp() - interval '0.5 seconds'))
 ORDER BY o.id LIMIT 200
"""

CANCEL_REQUESTS = f"""
SELECT id FROM strategies_order
 WHERE cancel_requested_at IS NOT NULL AND status IN {WORKING}
   AND cancel_requested_at > clock_timestamp() - interval '10 minutes' AND status <> 'pending_cancel'
 ORDER BY cancel_requested_at LIMIT 200
"""  # noqa: S608 - a constant of ours

CANCEL_SERVED = """
UPDATE strategies_order
   SET cancel_requested_at = NULL,
       cancel_due_at = CASE WHEN cancel_due_at IS NOT NULL
                            THEN greatest(cancel_due_at, clock_timestamp() + interval '30 seconds') END
 WHERE id = %(order)s
"""

# Entries that were to be given up by now. One that works on although its cancel was served is asked for again later.
GIVE_UP_ENTRIES = f"""
WITH due AS (
    SELECT id, cancel_requested_at IS NULL AS is_first FROM strategies_order
     WHERE cancel_due_at <= clock_timestamp() AND status IN {WORKING} AND status <> 'pending_cancel'
       AND (cancel_requested_at IS NULL OR cancel_requested_at < clock_timestamp() - interval '10 minutes')
     ORDER BY cancel_due_at LIMIT 200 FOR UPDATE SKIP LOCKED
)
UPDATE strategies_order AS o SET cancel_requested_at = clock_timestamp(), updated_at = clock_timestamp()
  FROM due WHERE o.id = due.id
RETURNING o.id, o.cancel_after, due.is_first
"""  # noqa: S608 - a constant of ours

# Venue ids that are an order or a leg of ours.
KNOWN_VENUE_IDS = """
SELECT o.venue_order_id FROM strategies_order AS o
 WHERE o.broker_account_id = %(account)s AND o.venue_order_id = ANY(%(ids)s)
UNION
SELECT l.venue_order_id FROM strategies_bracketleg AS l JOIN strategies_order AS o ON o.id = l.order_id
 WHERE o.broker_account_id = %(account)s AND l.venue_order_id = ANY(%(ids)s)
"""

DUE_LOOKUPS = """
SELECT id FROM strategies_order WHERE status = 'unknown' AND coalesce(next_lookup_at, '-infinity') <= clock_timestamp()
 ORDER BY purpose DESC, id LIMIT 200
"""

# Entries that filled and whose protective orders are not known to stand: to be placed, or to be looked up.
UNPROTECTED = """
SELECT DISTINCT o.id FROM strategies_order AS o JOIN strategies_bracketleg AS l ON l.order_id = o.id
 WHERE l.status IN ('pending', 'submitted', 'unknown') AND o.filled_quantity > 0
   AND greatest(o.updated_at, l.updated_at) < clock_timestamp() - %(wait)s * interval '1 second' LIMIT 100
"""

# How much is protected per account, contract and side, for the check that no leg outlives its position.
STANDING_LEGS = """
SELECT e.broker_account_id, e.instrument_id, e.side, sum(e.quantity) AS protected, a.external_id, a.name AS account_name,
       a.environment, a.connection_id, i.venue_id
  FROM (SELECT o.id, o.broker_account_id, o.instrument_id, o.side, max(l.quantity - l.filled_quantity) AS quantity,
               max(greatest(o.updated_at, l.updated_at)) AS touched
          FROM strategies_bracketleg AS l JOIN strategies_order AS o ON o.id = l.order_id
         WHERE l.status IN ('accepted', 'partially_filled') AND o.filled_quantity > 0
         GROUP BY o.id) AS e
  JOIN brokers_brokeraccount AS a ON a.id = e.broker_account_id
  JOIN brokers_instrument AS i ON i.id = e.instrument_id
 GROUP BY e.broker_account_id, e.instrument_id, e.side, a.id, i.id
HAVING max(e.touched) < clock_timestamp() - %(wait)s * interval '1 second' LIMIT 2000
"""

# ``sent_ago``: an order whose answer was never written down may have been begun until shortly before its claim ran out.
ORDER = f"""
SELECT o.*, a.external_id, a.name AS account_name, a.environment, a.connection_id, c.broker, c.state AS connection_state,
       c.state_reason AS connection_reason,
       extract(epoch FROM clock_timestamp() - coalesce(least(g.received_at, g.alert_time), o.planned_at)
                          - coalesce(g.due_at - g.received_at, interval '0'))::float8 AS age,
       coalesce(o.cancel_due_at <= clock_timestamp(), false) AS is_given_up,
       extract(epoch FROM clock_timestamp() - coalesce(o.sent_at, o.lease_until, o.planned_at))::float8 AS sent_ago,
       extract(epoch FROM clock_timestamp() - coalesce(o.sent_at, o.planned_at))::float8 AS undecided_for,
       (SELECT al.id FROM strategies_allocation AS al
         WHERE al.strategy_id = o.strategy_id AND al.broker_account_id = o.broker_account_id) AS allocation_id,
       i.venue_id, i.root, i.asset_class, i.tick_size, i.point_value, i.quantity_step, i.currency, i.exchange, i.expires_at,
       s.risk, coalesce({_OVERTAKEN_ORDER}, false) AS overtaken
  FROM strategies_order AS o
  JOIN brokers_brokeraccount AS a ON a.id = o.broker_account_id
  JOIN brokers_brokerconnection AS c ON c.id = a.connection_id
  LEFT JOIN strategies_signal AS g ON g.id = o.signal_id
  LEFT JOIN strategies_strategy AS s ON s.id = o.strategy_id
  LEFT JOIN brokers_instrument AS i ON i.id = o.instrument_id
 WHERE o.id = %(order)s
"""  # noqa: S608 - constants of ours

LEGS_OF = """
SELECT id, kind, "offset", price, "trailing", fixed, quantity, client_order_id, venue_order_id, status, filled_quantity,
       extract(epoch FROM clock_timestamp() - updated_at)::float8 AS age
  FROM strategies_bracketleg WHERE order_id = %(order)s
"""

LOOKED_UP = """
UPDATE strategies_order
   SET lookups = lookups + %(counted)s, next_lookup_at = clock_timestamp() + %(wait)s * interval '1 second',
       updated_at = clock_timestamp()
 WHERE id = %(order)s AND status = 'unknown'
RETURNING lookups
"""

SETTLE_UNKNOWN = """
UPDATE strategies_order
   SET status = %(status)s, venue_order_id = CASE WHEN %(venue_order_id)s <> '' THEN %(venue_order_id)s ELSE venue_order_id END,
       reject_reason = %(reason)s, next_lookup_at = NULL, answered_at = coalesce(answered_at, clock_timestamp()),
       settled_at = CASE WHEN %(final)s THEN clock_timestamp() ELSE settled_at END, updated_at = clock_timestamp()
 WHERE id = %(order)s AND status = 'unknown'
RETURNING id
"""

# What a strategy's earlier orders did at one account and contract, oldest first: of what its position is built.
STEPS = """
SELECT o.id, o.purpose, o.side, o.filled_quantity, o.average_price, o.signal_id, o.status,
       coalesce((SELECT sum(l.filled_quantity) FROM strategies_bracketleg AS l WHERE l.order_id = o.id), 0) AS closed
  FROM strategies_order AS o
 WHERE o.broker_account_id = %(account)s AND o.instrument_id = ANY(%(instruments)s)
   AND (o.strategy_id = %(strategy)s OR o.purpose = 'flatten') AND o.signal_id IS DISTINCT FROM %(signal)s
   AND o.status NOT IN ('denied', 'pending', 'rejected') AND o.planned_at > clock_timestamp() - interval '30 days'
 ORDER BY o.id
"""

LOGINS_USED = """
UPDATE brokers_brokerconnection SET last_used_at = clock_timestamp() WHERE id = ANY(%(connections)s)
"""

WANTED_SESSIONS = """
SELECT DISTINCT c.id AS connection_id, a.environment
  FROM brokers_brokerconnection AS c JOIN brokers_brokeraccount AS a ON a.connection_id = c.id
 WHERE c.deleted_at IS NULL AND c.state NOT IN ('disabled', 'needs_reauthorization')
   AND a.state = 'ready' AND a.enabled
"""

CONNECTION = """
SELECT c.id, c.broker, c.user_id, c.label,
       (SELECT json_agg(json_build_object('id', a.external_id, 'name', a.name)) FROM brokers_brokeraccount AS a
         WHERE a.connection_id = c.id AND a.environment = %(environment)s AND a.state <> 'missing') AS accounts
  FROM brokers_brokerconnection AS c WHERE c.id = %(connection)s AND c.deleted_at IS NULL
"""
