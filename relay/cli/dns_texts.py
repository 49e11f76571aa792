"""TXT records as the machine's resolver gives them.

Standards: RFC 1035 §3.3.14 (TXT: the strings of one record belong together).
Errors: what went wrong is a `LookupFault`, with the fix; nothing is raised.
"""

from collections.abc import Callable
from dataclasses import dataclass

import dns.exception
import dns.name
import dns.resolver

PATIENCE = 10.0  # seconds for one name, all servers and tries together


@dataclass(frozen=True, slots=True)
class LookupFault:
    """Why nobody can say what the DNS has."""

    reason: str


Lookup = Callable[[str], tuple[str, ...] | LookupFault]


def texts_at(name: str) -> tuple[str, ...] | LookupFault:
    """Give the text of each TXT record of a name; none where the DNS says that there is none."""
    try:
        answer = dns.resolver.resolve(name, "TXT", lifetime=PATIENCE, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return ()
    except dns.resolver.NoResolverConfiguration:
        return LookupFault("this machine has no DNS server; name one in /etc/resolv.conf")
    except dns.exception.Timeout:
        return LookupFault(f"no DNS server answered within {PATIENCE:.0f} s; try again later")
    except (dns.exception.DNSException, OSError) as error:
        return LookupFault(f"the DNS could not be asked ({error}); try again later")
    return tuple(b"".join(record.strings).decode("latin-1") for record in answer)
