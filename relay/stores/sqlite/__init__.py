"""Kept in SQLite files in one folder: queue, state and history."""
