"""Hands messages to Amazon SES, and says what became of them.

`open_transport` gives the `Transport` of one route; `AccountPoller` watches the account behind it.
"""
