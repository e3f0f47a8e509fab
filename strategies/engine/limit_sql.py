"""The parts of the reading statements that are about limits. What nobody limits is not counted."""

from __future__ import annotations

COUNTED_ON_ACCOUNTS = ("max_orders_per_day", "max_trades_per_day")
COUNTED_BY_MINUTE = ("max_orders_per_minute", "max_reversals_per_minute")
MOST_COUNTED = 5000


def _names(names: tuple[str, ...]) -> str:
    return "array[" + ", ".join(f"'{name}'" for name in names) + "]"


def _first_id(moment: str) -> str:
    """The smallest id made at or after ``moment``: ids begin with the millisecond they were made in."""
    return f"(lpad(to_hex((extract(epoch FROM {moment}) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid"


def _day_start(clock: str) -> str:
    """When the day of ``clock`` (JSON: time, timezone) began; UTC midnight without one."""
    zone = f"coalesce({clock} ->> 'timezone', 'UTC')"
    since = f"coalesce({clock} ->> 'time', '00:00')::interval"
    return f"((date_trunc('day', clock_timestamp() AT TIME ZONE {zone} - {since}) + {since}) AT TIME ZONE {zone})"


_NAMED = """EXISTS (SELECT 1 FROM strategies_risklimits AS l
                   WHERE (l.user_id = {user} OR l.scope = 'platform') AND l.limits ?| {names})"""
_HAS_LIVE = """EXISTS (SELECT 1 FROM strategies_allocation AS al
                         JOIN brokers_brokeraccount AS a ON a.id = al.broker_account_id
                        WHERE al.strategy_id = s.strategy_id AND a.environment = 'live')"""

# The strategy's earlier signals that sent something, and those among them that entered, or reversed.
_EARLIER = """
(SELECT json_build_array(count(*), count(*) FILTER (WHERE n.{what})) FROM (
        SELECT EXISTS (SELECT 1 FROM strategies_order AS o WHERE o.signal_id = n.id AND o.status <> 'denied'
                          AND o.purpose = 'entry') AS entered,
               EXISTS (SELECT 1 FROM strategies_order AS o WHERE o.signal_id = n.id AND o.status <> 'denied'
                          AND o.purpose = 'entry' AND o.leg > 0) AS reversed
          FROM strategies_signal AS n
         WHERE n.strategy_id = s.strategy_id AND n.id > {since} AND n.id <> s.id AND n.planned_at IS NOT NULL
           AND EXISTS (SELECT 1 FROM strategies_order AS o WHERE o.signal_id = n.id AND o.status <> 'denied')
         LIMIT {most}) AS n)
"""
_LAST_MINUTE = _EARLIER.format(
    what="reversed",
    since=_first_id("statement_timestamp() - interval '60 seconds'"),
    most=MOST_COUNTED,
)
_TODAY = _EARLIER.format(
    what="entered", since=_first_id(_day_start("(st.risk -> 'day_start')")), most=MOST_COUNTED
)

OF_SIGNAL = f"""
       {_HAS_LIVE} AS live,
       extract(epoch FROM clock_timestamp())::float8 AS db_clock,
       (SELECT json_agg(json_build_array(l.scope, l.object_id, l.kind, l.limits)) FROM strategies_risklimits AS l
         WHERE l.user_id = s.user_id OR l.scope = 'platform') AS limits,
       (SELECT json_agg(json_build_array(r.scope, r.object_id, r.day_pnl::text, (r.peak - r.total)::text,
                                         extract(epoch FROM clock_timestamp() - r.as_of)))
          FROM strategies_riskstate AS r WHERE r.user_id = s.user_id) AS results,
       CASE WHEN st.risk ?| {_names(COUNTED_BY_MINUTE)} OR {_HAS_LIVE}
                 OR {_NAMED.format(user="s.user_id", names=_names(COUNTED_BY_MINUTE))}
            THEN {_LAST_MINUTE} END AS last_minute,
       CASE WHEN st.risk ?| {_names(COUNTED_ON_ACCOUNTS)}
                 OR {_NAMED.format(user="s.user_id", names=_names(COUNTED_ON_ACCOUNTS))}
            THEN {_TODAY} END AS today
"""  # noqa: S608 - constants of ours

# Asked once for all accounts: nothing in these two depends on the account.
_USER = "(SELECT user_id FROM strategies_signal WHERE id = %(signal)s)"
_DAY_OF_USER = f"""
(SELECT l.limits -> 'day_start' FROM strategies_risklimits AS l
  WHERE l.user_id = {_USER} AND l.kind = 'own' AND l.scope = 'user')
"""  # noqa: S608 - constants of ours
_FIRST_OF_DAY = f"(SELECT {_first_id(_day_start('d.clock'))} FROM (SELECT {_DAY_OF_USER} AS clock) AS d)"  # noqa: S608

COUNTS_OF_ACCOUNT = f"""
       CASE WHEN a.environment = 'live' OR {_NAMED.format(user=_USER, names=_names(COUNTED_ON_ACCOUNTS))}
            THEN (SELECT json_build_array(count(*), count(*) FILTER (WHERE x.purpose = 'entry')) FROM (
                  SELECT x.purpose FROM strategies_order AS x
                   WHERE x.broker_account_id = a.id AND x.status <> 'denied' AND x.id > {_FIRST_OF_DAY}
                   LIMIT {MOST_COUNTED}) AS x) END AS counts
"""  # noqa: S608 - constants of ours
