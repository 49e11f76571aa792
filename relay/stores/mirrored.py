"""How an address of an SES account's list stands on ours; for every store.

Errors: none.
"""

from relay.model.ports import FROM_ACCOUNT, Listed, Suppressed


def entry_of(name: str, one: Listed) -> Suppressed:
    """Give the entry; its note says whose list, and why it is on it."""
    account, _, region = name.partition("/")
    return Suppressed(
        address=one.address.lower(),
        reason=FROM_ACCOUNT,
        since=one.updated,
        note=f"list of account {account} in {region}: {one.reason.value.lower()}",
    )
