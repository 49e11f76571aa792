"""What SES charges for recipients, as an estimate.

SES facts: Amazon SES pricing, à la carte, 2026-07: $0.10 for 1000 recipients, those of the mailbox
simulator included. Accounts made since 2026-07-21 begin on the plan Essentials at $0.16.
Attachment volume, the fees of plans and dedicated addresses are not in the estimate.

Errors: none.
"""

PER_1000_RECIPIENTS = 0.10  # dollars


def dollars(recipients: int, per_1000: float) -> float:
    """Estimate the charge for recipients that SES took."""
    return recipients * per_1000 / 1000
