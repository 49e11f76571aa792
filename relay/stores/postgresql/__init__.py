"""Kept in a PostgreSQL database that several relays share: queue, state and history."""
