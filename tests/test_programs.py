import pytest
from programs import missing, perl_with, program


def test_a_program_that_is_there_is_found():
    assert program("sh").endswith("/sh")


@pytest.mark.parametrize("ask", [program, perl_with])
def test_what_is_missing_skips_the_test_and_says_so(ask, monkeypatch):
    monkeypatch.delenv("SES_RELAY_NO_SKIP", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"no_such_thing|perl"):
        ask("no_such_thing")


def test_nothing_is_skipped_where_that_is_forbidden(monkeypatch):
    monkeypatch.setenv("SES_RELAY_NO_SKIP", "1")
    with pytest.raises(pytest.fail.Exception, match="no swaks here, and SES_RELAY_NO_SKIP=1"):
        missing("no swaks here")
