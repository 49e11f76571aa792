"""TXT records as the machine's resolver gives them.

Standards: RFC 1035 §3.3.14 (TXT: the strings of one record belong together).
Errors: what went wrong is a `NoAnswer`, with the fix; nothing is raised.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver

PATIENCE = 10.0  # seconds for one name, all servers and tries together


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Why nobody can say what the DNS has."""

    reason: str


Lookup = Callable[[str], tuple[str, ...] | NoAnswer]
Meanwhile = Callable[[str], Awaitable[tuple[str, ...] | NoAnswer]]  # other things go on


def texts_at(name: str) -> tuple[str, ...] | NoAnswer:
    """Give the text of each TXT record of a name; none where the DNS says that there is none."""
    try:
        answer = dns.resolver.resolve(name, "TXT", lifetime=PATIENCE, search=False)
    except (dns.exception.DNSException, OSError) as error:
        return _meaning(error)
    return _texts(answer)


async def texts_meanwhile(name: str) -> tuple[str, ...] | NoAnswer:
    """Give the same while other things go on; it can be cancelled, as no thread can."""
    try:
        answer = await dns.asyncresolver.resolve(name, "TXT", lifetime=PATIENCE, search=False)
    except (dns.exception.DNSException, OSError) as error:
        return _meaning(error)
    return _texts(answer)


def _texts(answer: dns.resolver.Answer) -> tuple[str, ...]:
    return tuple(b"".join(record.strings).decode("latin-1") for record in answer)


def _meaning(error: Exception) -> tuple[str, ...] | NoAnswer:
    match error:
        case dns.resolver.NXDOMAIN() | dns.resolver.NoAnswer():
            return ()
        case dns.resolver.NoResolverConfiguration():
            return NoAnswer("this machine has no DNS server; name one in /etc/resolv.conf")
        case dns.exception.Timeout():
            return NoAnswer(f"no DNS server answered within {PATIENCE:.0f} s; try again later")
        case _:
            return NoAnswer(f"the DNS could not be asked ({error}); try again later")
