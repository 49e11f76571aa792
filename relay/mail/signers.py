"""Which key signs: the one of the author's domain, or of the nearest parent domain with a key.

A signature of a parent domain still aligns under relaxed DMARC. Of several active keys the one
that became active last signs, so that a rotation needs no second edit of the configuration.

Standards: RFC 6376 §3.5 (d=, s=), RFC 7489 §3.1.1 (alignment).
Errors: `Signers.of` gives the faults of all keys at once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from relay.mail.dkim import Signer
from relay.mail.dkim_keys import KeyFault, parse
from relay.model.settings import DkimKey

_ALWAYS = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Signers:
    """Every key of a configuration, parsed."""

    by_domain: Mapping[str, tuple[Signer, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, keys: Iterable[DkimKey]) -> "Signers | tuple[KeyFault, ...]":
        """Parse the keys of the settings; once per configuration, because it takes its time."""
        by_domain: dict[str, list[Signer]] = {}
        faults: list[KeyFault] = []
        for setting in keys:
            domain = setting.domain.lower().rstrip(".")
            parsed = parse(setting.key.reveal())
            if not (domain.isascii() and setting.selector.isascii()):
                parsed = KeyFault("write domain and selector in ASCII, as A-labels (xn--…)")
            if isinstance(parsed, KeyFault):
                faults.append(KeyFault(f"dkim {setting.selector}/{domain}: {parsed.text}"))
                continue
            by_domain.setdefault(domain, []).append(
                Signer(
                    domain=domain,
                    selector=setting.selector,
                    key=parsed,
                    existing=setting.existing,
                    active_from=setting.active_from,
                    active_until=setting.active_until,
                )
            )
        if faults:
            return tuple(faults)
        return cls({domain: tuple(signers) for domain, signers in by_domain.items()})

    def choose(self, author_domain: str, now: datetime) -> Signer | None:
        """Give the key to sign with, or None where no domain of the author's has an active one."""
        domain = author_domain.lower()
        while domain:
            active = [signer for signer in self.by_domain.get(domain, ()) if signer.active(now)]
            if active:
                return max(active, key=lambda signer: signer.active_from or _ALWAYS)
            domain = domain.partition(".")[2]
        return None
