"""What the relay does to a message: read it, shape it so that SES takes it, sign it, report on it.

Pure functions from octets to octets: no I/O, and the time is an argument. `split.split` reads,
`author.read_authors` tells policy who claims to write, `shape.shape` changes; `bounce` writes
reports.
"""
