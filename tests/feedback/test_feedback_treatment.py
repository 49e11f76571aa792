"""Each row of the table of bounces, and whom a complaint means."""

import pytest
import said

from relay.feedback.events import read
from relay.feedback.treatment import Suppress, accused, is_simulated, of_bounce, reply_for
from relay.model.address import Address

NEVER, NOW, FOR_A_TIME, COUNTED = Suppress


@pytest.mark.parametrize(
    ("kind", "suppress", "counts", "enhanced"),
    [
        ("Permanent/General", NOW, True, "5.1.1"),
        ("Permanent/NoEmail", NOW, True, "5.1.1"),
        ("Permanent/Suppressed", FOR_A_TIME, True, "5.7.1"),
        ("Permanent/OnAccountSuppressionList", NOW, False, "5.7.1"),
        ("Permanent/OnTenantSuppressionList", NEVER, False, "5.7.1"),
        ("Permanent/EmailValidationSuppressed", NEVER, False, "5.1.1"),
        ("Permanent/UnsubscribedRecipient", NEVER, False, "5.7.1"),
        ("Permanent/Invented", NEVER, False, None),
        ("Transient/General", NEVER, False, None),
        ("Transient/MailboxFull", COUNTED, False, None),
        ("Transient/MessageTooLarge", NEVER, False, "5.3.4"),
        ("Transient/ContentRejected", NEVER, False, "5.7.1"),
        ("Transient/AttachmentRejected", NEVER, False, "5.6.1"),
        ("Transient/CustomTimeoutExceeded", NEVER, False, "5.4.7"),
        ("Undetermined/Undetermined", NEVER, False, None),
    ],
)
def test_a_bounce_is_treated_as_its_kind_says(kind, suppress, counts, enhanced):
    bounce = read(said.bounce(kind, status="", diagnostic=""))
    treatment = of_bounce(bounce)
    assert (treatment.suppress, treatment.counts) == (suppress, counts)
    assert bool(treatment.reason) is (suppress is not NEVER)
    reply = reply_for(treatment, bounce.recipients[0])
    assert (reply and reply.enhanced) == enhanced


def test_the_receivers_words_reach_the_sender_on_one_line():
    bounce = read(said.bounce(status="5.2.1", diagnostic="smtp; 550 5.2.1 gone\r\nfor\x00 good"))
    reply = reply_for(of_bounce(bounce), bounce.recipients[0])
    assert str(reply) == "550 5.2.1 The address was refused: 550 5.2.1 gone for? good"


@pytest.mark.parametrize("status", ["4.2.2", "5.1", "junk", "5.1.1\n", "5.1.1111"])
def test_a_status_that_is_no_permanent_one_is_not_passed_on(status):
    bounce = read(said.bounce(status=status))
    assert reply_for(of_bounce(bounce), bounce.recipients[0]).enhanced == "5.1.1"


def test_a_complaint_means_the_only_one_it_can_mean():
    assert accused(read(said.complaint("x@example.org"))) == Address("x", "example.org")
    one_of_many = said.complaint("x@example.org", destinations=("x@example.org", "y@example.net"))
    assert accused(read(one_of_many)) == Address("x", "example.org")
    assert accused(read(said.complaint("x@example.org", "y@example.org"))) is None
    assert accused(read(said.complaint("x@example.org", feedback="not-spam"))) is None


def test_the_mailbox_simulator_is_known():
    assert is_simulated(Address("bounce+a", "Simulator.Amazonses.com"))
    assert not is_simulated(Address("bounce", "amazonses.com"))
