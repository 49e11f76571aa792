"""Decisions about mail: pure functions of the configuration, the envelope and the content."""
