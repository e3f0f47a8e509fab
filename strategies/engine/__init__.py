"""The long-lived executor: it takes stored signals, plans, claims, sends and settles their orders.

It runs in one asyncio loop that owns the broker sessions. Its database work on the path from an alert to its orders is
plain SQL over psycopg (``sql.py``), everything else in the product uses the ORM.
"""
