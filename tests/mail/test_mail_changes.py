from generated_docs import change_table

from relay.mail.changes import CHANGES, Change, Changed


def test_every_change_has_its_row_in_the_table():
    assert list(CHANGES) == list(Change)
    assert all(row.what and row.why and row.switch for row in CHANGES.values())


def test_a_change_names_its_subject():
    assert str(Changed(Change.DATE)) == "date"
    assert str(Changed(Change.DUPLICATE, "Reply-To")) == "duplicate: Reply-To"


def test_the_rendered_table_has_a_row_for_each():
    lines = change_table().splitlines()
    assert len(lines) == len(Change) + 2
    assert all(line.count("|") == 5 for line in lines)
