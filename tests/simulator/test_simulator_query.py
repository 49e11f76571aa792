import base64
import os
from urllib.parse import quote_plus

import pytest

from relay.simulator import Refusal
from relay.simulator.query import (
    SES_NAMESPACE,
    error,
    list_element,
    read_form,
    result,
    text_element,
)


def test_a_form_is_decoded():
    form = read_form(b"Action=Send+it%21&Empty=&a%20b=%C3%B6&Tags.member.1.Name=x&=lost&&bare")
    assert form.text("Action") == "Send it!"
    assert form.text("Empty") == ""
    assert form.text("a b") == "\u00f6"
    assert form.text("bare") == ""
    assert form.text("none") is None


def test_lists_end_at_their_first_gap_and_empty_ones_are_absent():
    form = read_form(b"L.member.1=a&L.member.2=b&L.member.4=d&M=")
    assert form.members("L") == ("a", "b")
    assert form.members("M") is None


@pytest.mark.parametrize("size", [0, 1, 2, 3, 1_000])
def test_base64_survives_its_percent_coding(size):
    raw = os.urandom(size)
    coded = quote_plus(base64.b64encode(raw)).encode()
    assert read_form(b"D=" + coded).blob("D") == raw
    assert read_form(b"D=" + coded.replace(b"%2B", b"%2b").replace(b"%2F", b"%2f")).blob("D") == raw


def test_a_coded_percent_is_decoded_once():
    assert read_form(b"D=%252B%2B").text("D") == "%2B+"


@pytest.mark.parametrize("value", ["a", "ab=c", "ab*d", "%00%00%00%00"])
def test_what_is_no_base64_is_refused(value):
    refused = read_form(f"D={value}".encode()).blob("D")
    assert isinstance(refused, Refusal)
    assert refused.query_code == "SerializationException"


def test_texts_are_escaped_and_kept_within_xml():
    assert text_element("A", "<&>\x00\t") == "<A>&lt;&amp;&gt;\ufffd\t</A>"
    assert list_element("L", ["<x/>"]) == "<L><member><x/></member></L>"


def test_answers_have_the_shape_of_ses():
    done = result("SendRawEmail", SES_NAMESPACE, "R", text_element("MessageId", "I"))
    assert done.status == 200
    assert done.headers == (("Content-Type", "text/xml"),)
    assert done.body.decode() == (
        '<SendRawEmailResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/">'
        "<SendRawEmailResult><MessageId>I</MessageId></SendRawEmailResult>"
        "<ResponseMetadata><RequestId>R</RequestId></ResponseMetadata></SendRawEmailResponse>"
    )


@pytest.mark.parametrize(("status", "kind"), [(400, "Sender"), (403, "Sender"), (503, "Receiver")])
def test_errors_have_the_shape_of_ses(status, kind):
    refused = Refusal(
        query_code="Code",
        rest_code="-",
        message="Text.",
        query_status=status,
        members=(("ConfigurationSetName", "app"),),
    )
    answer = error(refused, SES_NAMESPACE, "R")
    assert answer.status == status
    assert answer.body.decode() == (
        '<ErrorResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><Error>'
        f"<Type>{kind}</Type><Code>Code</Code><Message>Text.</Message>"
        "<ConfigurationSetName>app</ConfigurationSetName></Error>"
        "<RequestId>R</RequestId></ErrorResponse>"
    )
