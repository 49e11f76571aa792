"""The story of one message: receive, attempt, keep. Knows no library, only the ports."""
