"""Plots as inline SVG: stacked bars with their scale, told in words to screen readers.

Standards: SVG 2, WAI-ARIA 1.2 (role img).
Errors: none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from relay.web.html import Html, el, markup

_WIDTH, _HEIGHT, _TOP, _BELOW = 600, 84, 20, 22


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what stands under it, what it says on a closer look, and its parts by tone."""

    label: str
    says: str
    parts: Sequence[tuple[str, int]]  # tone (a class of the style sheet) and value, from below

    @property
    def total(self) -> int:
        """Its height in units."""
        return sum(value for _, value in self.parts)


def bars(name: str, shown: Sequence[Bar], legend: Mapping[str, str]) -> Html:
    """Draw bars; `legend` gives each tone's word. Nothing at all is drawn as an empty scale."""
    top = max((bar.total for bar in shown), default=0)
    step = _WIDTH / max(len(shown), 1)
    drawn = [_bar(bar, place * step, step, max(top, 1)) for place, bar in enumerate(shown)]
    line = _TOP + _HEIGHT
    scale = markup(
        el("line", x1=0, x2=_WIDTH, y1=line, y2=line, class_="axis"),
        el("text", f"{top:,}", x=0, y=_TOP - 4) if top else None,
    )
    return el(
        "figure",
        el(
            "figcaption",
            el("span", name),
            [el("span", word, class_=f"key {tone}") for tone, word in legend.items()],
        ),
        el(
            "svg",
            scale,
            drawn,
            viewBox=f"0 0 {_WIDTH} {_TOP + _HEIGHT + _BELOW}",
            role="img",
            aria_label=f"{name}: {_in_words(shown)}",
        ),
    )


def _bar(bar: Bar, left: float, step: float, top: int) -> Html:
    parts: list[Html] = []
    below = float(_TOP + _HEIGHT)
    width = step * 0.8
    for tone, value in bar.parts:
        if value:
            # One message among thousands is still to be seen.
            height = max(1.5, _HEIGHT * value / top)
            below_now = below - height
            parts.append(
                el(
                    "rect",
                    x=round(left + step * 0.1, 1),
                    y=round(below_now, 1),
                    width=round(width, 1),
                    height=round(height, 1),
                    class_=tone,
                )
            )
            below = below_now
    label = (
        el("text", bar.label, x=round(left + step / 2, 1), y=_TOP + _HEIGHT + 18, class_="label")
        if bar.label
        else None
    )
    if not parts:
        return markup(label)
    return markup(el("g", el("title", bar.says), parts), label)


def _in_words(shown: Sequence[Bar]) -> str:
    said = "; ".join(bar.says for bar in shown if bar.total)
    return said or "nothing"
