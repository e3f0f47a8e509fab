"""The statements every ingest runs. Written out because building them afresh in the ORM costs more than running them."""

from __future__ import annotations

# Per account and contract the round trip to replay from: the last one before the change that began with everything flat.
STARTS = """
SELECT w.account, w.instrument, s.entry_timestamp, s.venue_fill_id
  FROM jsonb_to_recordset(%s::jsonb) AS w (account uuid, instrument bigint, since timestamptz)
 CROSS JOIN LATERAL (
       SELECT p.entry_timestamp, f.venue_fill_id
         FROM recorder_recordedposition AS p JOIN recorder_fill AS f ON f.id = p.first_fill_id
        WHERE p.broker_account_id = w.account AND p.instrument_id = w.instrument
          AND p.from_flat AND p.entry_timestamp < w.since
        ORDER BY p.entry_timestamp DESC LIMIT 1) AS s
"""

# What a replay reads of the fills from there on; the columns are the fields of ``roundtrips.StoredFill``.
FILLS = """
SELECT f.id, f.venue_fill_id, f.executed_at, f.side, f.quantity, f.price, f.commission, f.fees, f.match, f.strategy_id,
       f.broker_account_id, f.instrument_id, f.order_id, o.purpose, o.strategy_id, o.signal_id,
       g.alert ->> 'signal_price', l.kind, e.strategy_id
  FROM jsonb_to_recordset(%s::jsonb) AS w (account uuid, instrument bigint, since timestamptz)
  JOIN recorder_fill AS f ON f.broker_account_id = w.account AND f.instrument_id = w.instrument
   AND f.executed_at >= coalesce(w.since, '-infinity') AND NOT f.voided
  LEFT JOIN strategies_order AS o ON o.id = f.order_id
  LEFT JOIN strategies_signal AS g ON g.id = o.signal_id
  LEFT JOIN strategies_bracketleg AS l ON l.id = f.leg_id
  LEFT JOIN strategies_order AS e ON e.id = l.order_id
"""

TRIPS = """
SELECT p.*, f.venue_fill_id AS first_venue_fill_id
  FROM jsonb_to_recordset(%s::jsonb) AS w (account uuid, instrument bigint, since timestamptz)
  JOIN recorder_recordedposition AS p ON p.broker_account_id = w.account AND p.instrument_id = w.instrument
   AND p.entry_timestamp >= coalesce(w.since, '-infinity')
  LEFT JOIN recorder_fill AS f ON f.id = p.first_fill_id
 ORDER BY p.entry_timestamp, p.id
"""

# What the fills of orders and of legs add up to. A guessed link proves nothing and does not count.
TOTALS = """
SELECT order_id, sum(quantity), sum(quantity * price), max(executed_at)
  FROM recorder_fill WHERE order_id = ANY(%s) AND match = 'order' AND NOT voided GROUP BY order_id
 UNION ALL
SELECT leg_id, sum(quantity), sum(quantity * price), max(executed_at)
  FROM recorder_fill WHERE leg_id = ANY(%s) AND match = 'order' AND NOT voided GROUP BY leg_id
"""

# Unproven fills whose venue order id is one of ours by now, or whose guessed order turned out to be another.
ASK_AGAIN = """
SELECT f.id
  FROM recorder_fill AS f LEFT JOIN strategies_order AS g ON g.id = f.order_id
 WHERE f.broker_account_id = ANY(%(accounts)s) AND f.match IN ('window', 'recorded', 'external')
   AND f.recorded_at > %(since)s AND f.venue_order_id <> ''
   AND (f.venue_order_id = ANY(%(bound)s)
        OR EXISTS (SELECT FROM strategies_order AS o
                    WHERE o.broker_account_id = f.broker_account_id AND o.venue_order_id = f.venue_order_id)
        OR EXISTS (SELECT FROM strategies_bracketleg AS l JOIN strategies_order AS e ON e.id = l.order_id
                    WHERE l.venue_order_id = f.venue_order_id AND e.broker_account_id = f.broker_account_id)
        OR (f.match = 'window' AND g.id IS NOT NULL
            AND (g.venue_order_id <> '' OR g.status NOT IN ('submitted', 'unknown'))))
"""
