"""How a rate that SES refused is halved and comes back; the same for one relay and for many.

Half of it at once; back in `RECOVERY` seconds, slower and slower toward what was refused, and from
there faster and faster. So relays of one account that do not know of each other stay most of the
time near what they can have together. Who sends more is refused more often, and so their rates
become alike by themselves. The curve is that of TCP's CUBIC (RFC 9438 §4.2), which fits for the
same reasons; a straight line back to the whole rate has each of twenty relays refused all the time.

Errors: none.
"""

RECOVERY = 60.0  # seconds from the half back to the rate that was refused
HASTE = 3  # times faster beyond it
HALF = 0.5
LOWEST = 1 / 64  # share of the whole rate that no row of halvings goes below


def recovered(peak: float, elapsed: float) -> float:
    """Give the rate this many seconds after `peak` was refused; both are shares of the whole."""
    distance = elapsed / RECOVERY - 1
    if distance > 0:
        distance *= HASTE
    return min(1.0, max(LOWEST, peak * (1 + HALF * distance**3)))
