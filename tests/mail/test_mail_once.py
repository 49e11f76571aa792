import pytest
from mail_examples import fields, raws, refused, shaped, words

from relay.mail.headers import ONCE_ONLY
from relay.mail.once import RULES, Rule, reduce_duplicates
from relay.mail.refusal import Refusal

# A value for each name, where any text will not do.
VALUES = {
    b"from": ("a@example.com", "b@example.com"),
    b"sender": ("a@example.com", "b@example.com"),
    b"mime-version": ("1.0", "2.0"),
    b"content-type": ("text/plain", "text/html"),
    b"content-transfer-encoding": ("7bit", "8bit"),
    b"references": ("<1@x>", "<2@x>"),
    b"in-reply-to": ("<1@x>", "<2@x>"),
}


def reduced(*lines):
    result = reduce_duplicates(fields(*lines))
    assert not isinstance(result, Refusal), result
    return raws(result[0])


def test_every_name_has_a_rule_and_no_other():
    assert set(RULES) == ONCE_ONLY


@pytest.mark.parametrize("name", sorted(ONCE_ONLY))
def test_two_different_instances_never_reach_ses(name):
    first, second = VALUES.get(name, ("one", "two"))
    spelled = name.decode().title()
    author = b"" if name == b"from" else b"From: a@example.com\r\n"
    octets = author + f"{spelled}: {first}\r\n{spelled}: {second}\r\n\r\nbody\r\n".encode()
    if RULES[name] is Rule.REFUSE:
        assert refused(octets) == f"554 5.6.0 Duplicate header '{spelled}'"
        return
    content = shaped(octets, threading=False).content
    assert len(list(content.named(name))) <= 1


@pytest.mark.parametrize("name", sorted(ONCE_ONLY))
def test_two_equal_instances_become_one(name):
    value = VALUES.get(name, ("one", ""))[0]
    spelled = name.decode().title()
    author = b"" if name == b"from" else b"From: a@example.com\r\n"
    octets = author + f"{spelled}: {value}\r\n{spelled}:\r\n {value} \r\n\r\nbody\r\n".encode()
    result = shaped(octets, threading=False)
    gone = RULES[name] is Rule.ELSEWHERE
    expected = [] if gone else [f"{spelled}: {value}\r\n".encode()]
    assert raws(result.content.named(name)) == expected
    assert gone or f"duplicate: {spelled}" in words(result)


def test_lists_are_merged_with_their_folding():
    assert reduced("Reply-To: a@x,\r\n b@x", "X: y", "reply-to: C <c@x>,") == [
        b"Reply-To: a@x,\r\n b@x,\r\n C <c@x>\r\n",
        b"X: y\r\n",
    ]


def test_texts_are_merged():
    assert reduced("Comments: one", "Comments: two") == [b"Comments: one;\r\n two\r\n"]


def test_message_ids_are_merged_once_each():
    assert reduced("References: <1@x> <2@x>", "References: <2@x>\r\n <3@x>") == [
        b"References: <1@x>\r\n <2@x>\r\n <3@x>\r\n"
    ]


def test_a_machine_is_never_answered():
    assert reduced("Auto-Submitted: no", "Auto-Submitted: auto-replied") == [
        b"Auto-Submitted: auto-replied\r\n"
    ]


def test_case_means_nothing_where_the_grammar_says_so():
    lines = ("Content-Transfer-Encoding: 8BIT", "Content-Transfer-Encoding: 8bit")
    assert reduced(*lines) == [b"Content-Transfer-Encoding: 8BIT\r\n"]


def test_single_fields_and_those_allowed_more_often_stay_as_they_are():
    lines = ("To: a@x", "To: b@x", "Subject:  x ", "Received: 1", "Received: 2", "X-A: 1", "X-A: 1")
    assert reduced(*lines) == [line.encode() + b"\r\n" for line in lines]
