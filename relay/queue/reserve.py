"""Memory for the contents of kept messages in work, apart from what clients may fill.

Errors: none.
"""


class Reserve:
    """Counts octets; one message always fits, or a large one could never go."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0

    def take(self, octets: int) -> bool:
        """Take room, unless others have it."""
        if self.taken and self.taken + octets > self.limit:
            return False
        self.taken += octets
        return True

    def give_back(self, octets: int) -> None:
        """Give room back."""
        self.taken -= octets
