"""A share of mail that came back, as a bar with its thresholds: how near a user is to trouble.

The scale ends where SES may pause the account; what is beyond fills it, and the number says so.

Errors: none.
"""

from collections.abc import Sequence

from relay.model.reputation import Grade, Kind, Share
from relay.web.html import Html, el, markup

TONES = {Grade.UNKNOWN: "faint", Grade.GOOD: "good", Grade.WARN: "wait", Grade.HOLD: "bad"}
_WIDTH, _HEIGHT = 200, 10
_COMING_BACK = {Kind.BOUNCE: "bounced", Kind.COMPLAINT: "complained"}


def share_bar(share: Share) -> Html:
    """Draw a share, and say it in numbers."""
    kind = share.kind
    marks = [("ink", kind.reviewed_at), ("wait", share.warn), ("bad", share.hold)]
    said = f"{share.ratio:.2%}"
    return markup(
        el("strong", said),
        el("span", f" {share.came_back:,} of {share.relayed:,}", class_="soft"),
        el(
            "svg",
            el("rect", x=0, y=3, width=_WIDTH, height=4, class_="track"),
            el(
                "rect",
                x=0,
                y=3,
                width=_place(kind, share.ratio),
                height=4,
                class_=TONES[share.grade],
            ),
            [
                el("line", x1=x, x2=x, y1=0, y2=_HEIGHT, class_=f"mark {tone}")
                for tone, at in marks
                if at is not None
                for x in [_place(kind, at)]
            ],
            viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
            preserveAspectRatio="none",
            role="img",
            class_="share",
            aria_label=f"{_COMING_BACK[kind]} {said}",
        ),
    )


def thresholds(share: Share) -> str:
    """Say the thresholds in words."""
    return ", ".join(
        f"{word} {'off' if at is None else f'at {_percent(at)}'}"
        for word, at in (("warned", share.warn), ("held", share.hold))
    )


def key(shares: Sequence[Share]) -> Html:
    """Explain the marks, with the thresholds in force."""
    told = [
        f"{_COMING_BACK[share.kind].capitalize()}: {thresholds(share)}, SES reviews the account at "
        f"{_percent(share.kind.reviewed_at)}, the bar ends at {_percent(share.kind.paused_at)}, "
        "where it may pause it"
        for share in shares
    ]
    marks = (("wait", "warned"), ("bad", "held"), ("ink", "reviewed by SES"))
    return el(
        "p",
        [el("span", word, class_=f"key {tone}") for tone, word in marks],
        [el("span", f"{words}. ", class_="soft") for words in told],
        class_="keys",
    )


def _place(kind: Kind, ratio: float) -> float:
    return round(_WIDTH * min(1.0, ratio / kind.paused_at), 1)


def _percent(share: float) -> str:
    return f"{share * 100:g} %"
