"""Tries kept messages again: a bounded window over an unbounded backlog."""
