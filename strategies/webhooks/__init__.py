"""The way in for alerts: read (pure), judged, stored in one statement, answered."""
