"""Whatever is not made by `el` is text."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from relay.web.html import Html, el, markup, octets


class Reader(HTMLParser):
    """Collects what a browser would see."""

    def __init__(self):
        super().__init__()
        self.tags = []
        self.attributes = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


@given(st.text(), st.text())
def test_text_and_attributes_come_out_as_they_went_in(text, attribute):
    reader = Reader()
    reader.feed(el("p", text, title=attribute))
    reader.close()
    assert reader.tags == ["p"]
    assert reader.attributes == [("title", attribute)]
    assert reader.text == text


def test_children_nest():
    assert el("ul", [el("li", n) for n in (1, 2.5)], None) == "<ul><li>1</li><li>2.5</li></ul>"
    assert markup("a<", Html("<b>")) == "a&lt;<b>"


def test_attributes():
    made = el("input", class_="x", aria_label="y", required=True, value=None, checked=False)
    assert made == '<input class="x" aria-label="y" required>'


def test_octets_of_a_peer_that_are_no_unicode_do_not_break_a_page():
    assert octets(el("p", "caf\udce9")) == b"<p>caf?</p>"
