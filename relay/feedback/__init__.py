"""LEARN: what SES says later about mail it took becomes suppression, reputation and history.

`sqs` and `sns` bring events, `events` reads them, `learn` draws the consequences.
"""
