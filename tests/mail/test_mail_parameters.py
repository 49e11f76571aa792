import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.parameters import main_value, parameters


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b"text/plain", {}),
        (b"text/plain; charset=utf-8", {"charset": "utf-8"}),
        (b"x; Name = a.txt ; b=c", {"name": "a.txt", "b": "c"}),
        (b'x; name="a; b=c.txt"', {"name": "a; b=c.txt"}),
        (b'x; name="a\\"b.txt"', {"name": 'a"b.txt'}),
        (b'x; name="never ends', {"name": "never ends"}),
        (b"x; name=one; name=two", {"name": "one"}),
        (b"x; name*=utf-8''%C3%9C.txt", {"name": "Ü.txt"}),
        (b"x; name*=iso-8859-1'de'%DC.txt; name=U.txt", {"name": "Ü.txt"}),
        (b"x; name*=no-such-charset''%DC.txt", {"name": "Ü.txt"}),
        (b"x; name*0=one; name*1=two.txt", {"name": "onetwo.txt"}),
        (b"x; name*1=two.txt; name*0*=utf-8''%C3%9C", {"name": "Ütwo.txt"}),
        (b"x; name*0*=plain", {"name": "plain"}),
        (b"x; name*x=odd", {}),
        (b'x; name="=?utf-8?q?=C3=9C?= =?utf-8?b?LnR4dA==?="', {"name": "Ü.txt"}),
        (b'x; name="=?utf-8?b?LnR4dA?="', {"name": ".txt"}),
        (b'x; name="=?utf-8?b?#?="', {"name": ""}),
        ("x; name=Ü.txt".encode(), {"name": "Ü.txt"}),
        ("x; name=Ü.txt".encode("latin-1"), {"name": "Ü.txt"}),
        (b";;;", {}),
    ],
)
def test_parameters_are_read(value, found):
    assert parameters(value) == found


@pytest.mark.parametrize(
    ("value", "main"), [(b" Text/PLAIN ; x=y", b"text/plain"), (b"", b""), (b";x", b"")]
)
def test_the_main_value(value, main):
    assert main_value(value) == main


MARKS = st.sampled_from(
    [b";", b"=", b"*", b'"', b"\\", b"'", b"%", b"a", b"0", b"=?utf-8?b?", b"?="]
)


@given(st.lists(MARKS, max_size=40).map(b"".join))
def test_nothing_raises(value):
    assert isinstance(parameters(value), dict)


@pytest.mark.parametrize("run", [b";a=", b';a="', b';a="\\', b"=?a?q?", b";", b";a*0=x", b";a "])
def test_long_runs_are_read_in_one_pass(run):
    # A quadratic reader would not come back from these.
    parameters(b"x; name=" + run * 50_000)
