"""The replies for what SES or the way to it refuses; their texts give way to SES's own words.

They are heard only where nobody keeps the mail (`store: none`) or the client still waits; with a
store a transient fault is answered "queued".

Standards: RFC 3463 and RFC 5248 (enhanced codes), RFC 5321 §4.2.
Errors: none.
"""

from relay.model.reply import Reply

RATE = Reply(451, "4.4.5", "Amazon SES sending rate exceeded")
QUOTA = Reply(451, "4.4.5", "Amazon SES daily quota used up")
BUSY = Reply(451, "4.3.2", "Amazon SES is busy")
PAUSED = Reply(451, "4.3.2", "Amazon SES sending is paused")
SETUP = Reply(451, "4.3.5", "Amazon SES is not set up for this message")
CREDENTIALS = Reply(451, "4.3.5", "No valid credentials for Amazon SES")
SERVICE = Reply(451, "4.3.0", "Amazon SES cannot take the message now")
UNCLASSIFIED = Reply(451, "4.3.0", "Amazon SES gave an answer that an operator must look at")
UNNAMED = Reply(451, "4.3.0", "Amazon SES refuses one of the recipients' addresses")
NETWORK = Reply(451, "4.4.1", "Amazon SES cannot be reached")
LOST_ANSWER = Reply(451, "4.4.2", "Connection lost before Amazon SES answered")

UNVERIFIED_SENDER = Reply(554, "5.7.1", "Sender is not verified with Amazon SES")
UNVERIFIED_RECIPIENT = Reply(550, "5.7.1", "Recipient is not verified with Amazon SES")
BAD_RECIPIENT = Reply(553, "5.1.3", "Amazon SES refuses the recipient's address")
BAD_SENDER = Reply(553, "5.1.7", "Amazon SES refuses the sender's address")
NON_ASCII = Reply(553, "5.6.7", "Amazon SES takes ASCII addresses only")
TOO_LARGE = Reply(552, "5.3.4", "Message is too large for Amazon SES")
MALFORMED = Reply(554, "5.6.0", "Amazon SES cannot read the message")
ATTACHMENT = Reply(554, "5.6.1", "Amazon SES refuses this kind of attachment")
