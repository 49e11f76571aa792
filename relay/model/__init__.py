"""The nouns of the relay, its replies and outcomes, and the seams between its parts.

Everything here is plain data or a Protocol, built on the standard library alone: no I/O, no clock.
"""
