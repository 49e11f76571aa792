"""Every reply the relay gives by itself, named once, with its source.

SES's own refusals keep SES's words: see `relay.delivery.answers`.
Standards: RFC 5321 §4.2.3, RFC 3463, RFC 5248, RFC 4954 §6, RFC 3207 §4, RFC 1870 §6.3.
"""

from relay.model.reply import Reply

# Session
GREETING = Reply(220, "", "ESMTP ses-relay")
BYE = Reply(221, "2.0.0", "Bye")
OK = Reply(250, "2.0.0", "Ok")
SENDER_OK = Reply(250, "2.1.0", "Sender ok")
RECIPIENT_OK = Reply(250, "2.1.5", "Recipient ok")
SEND_CONTENT = Reply(354, "", "End data with <CR><LF>.<CR><LF>")
CANNOT_VRFY = Reply(252, "2.5.2", "Cannot VRFY, but will take the mail and try")  # RFC 5321 §3.5.3
SHUTTING_DOWN = Reply(421, "4.3.2", "Service shutting down, try again later")
IDLE = Reply(421, "4.4.2", "Idle for too long, closing")
TOO_MANY_CONNECTIONS = Reply(421, "4.7.0", "Too many connections, try again later")
TOO_MANY_ERRORS = Reply(421, "4.7.0", "Too many errors, closing")
TOO_MANY_COMMANDS = Reply(421, "4.7.0", "Too many commands in one session, closing")
TOO_SLOW = Reply(421, "4.4.2", "Data arrives too slowly, closing")
NOT_WELCOME = Reply(554, "5.7.1", "Your network address may not use this service")
BAD_SEQUENCE = Reply(503, "5.5.1", "Bad sequence of commands")
SYNTAX = Reply(501, "5.5.4", "Syntax error in parameters")
UNKNOWN_COMMAND = Reply(500, "5.5.1", "Command not recognised")
NOT_IMPLEMENTED = Reply(502, "5.5.1", "Command not implemented")
LINE_TOO_LONG = Reply(500, "5.5.2", "Command line too long")  # RFC 5321 §4.5.3.1.4
PARAMETER_UNKNOWN = Reply(555, "5.5.4", "Parameter not recognised or not implemented")
EHLO_FIRST = Reply(503, "5.5.1", "Send EHLO first")
HELP = Reply(214, "2.0.0", "EHLO HELO STARTTLS AUTH MAIL RCPT DATA RSET NOOP VRFY QUIT (RFC 5321)")
EARLY_TALKER = Reply(554, "5.5.1", "You spoke before the greeting, closing")  # RFC 5321 §3.1
OUT_OF_TURN = Reply(554, "5.5.1", "You sent more before the reply, closing")  # RFC 2920 §3.1
NOT_HTTP = Reply(554, "5.5.1", "This is not HTTP, closing")
BARE_LF_IN_COMMAND = Reply(500, "5.5.2", "Command lines end with CR LF")  # RFC 5321 §2.3.8
CONTROL_IN_COMMAND = Reply(500, "5.5.2", "Bare CR or NUL in a command line")
PROXY_HEADER = Reply(554, "5.5.1", "A PROXY header was expected, closing")
TOO_MANY_MESSAGES = Reply(421, "4.7.0", "Too many messages on one connection, connect again")
SESSION_TOO_LONG = Reply(421, "4.4.2", "The session lasted too long, connect again")
TOO_MUCH_DATA = Reply(421, "4.3.4", "Far more data than allowed, closing")
OUR_FAULT_CLOSING = Reply(421, "4.3.0", "Temporary failure on our side, closing")
OUR_FAULT = Reply(451, "4.3.0", "Temporary failure on our side, try again later")

# TLS and AUTH
START_TLS = Reply(220, "2.0.0", "Ready to start TLS")
TLS_UNAVAILABLE = Reply(454, "4.7.0", "TLS not available, try again later")
TLS_REQUIRED = Reply(530, "5.7.0", "Issue STARTTLS first")  # RFC 3207 §4
AUTH_REQUIRED = Reply(530, "5.7.0", "Authentication required")
AUTH_OK = Reply(235, "2.7.0", "Authentication successful")
AUTH_BAD = Reply(535, "5.7.8", "Authentication credentials invalid")
AUTH_CANCELLED = Reply(501, "5.7.0", "Authentication cancelled")
AUTH_MALFORMED = Reply(501, "5.5.2", "Cannot decode the authentication response")
AUTH_UNAVAILABLE = Reply(454, "4.7.0", "Temporary authentication failure")
AUTH_NEEDS_TLS = Reply(538, "5.7.11", "Encryption required for this mechanism, issue STARTTLS")
AUTH_MECHANISM = Reply(504, "5.5.4", "Authentication mechanism not offered here")
AUTH_TOO_OFTEN = Reply(421, "4.7.0", "Too many failed authentications, closing")

# Envelope
SENDER_NOT_ALLOWED = Reply(550, "5.7.1", "You may not send with this sender")
AUTHOR_NOT_ALLOWED = Reply(550, "5.7.1", "You may not send with this From or Sender")
SENDER_SYNTAX = Reply(553, "5.1.7", "Bad sender address")
RECIPIENT_SYNTAX = Reply(553, "5.1.3", "Bad recipient address")
NON_ASCII_ADDRESS = Reply(553, "5.6.7", "Non-ASCII addresses cannot be sent through SES")
RECIPIENT_NOT_ALLOWED = Reply(550, "5.7.1", "You may not send to this recipient")
REFUSED_BY_RULE = Reply(550, "5.7.1", "Refused by policy")
RECIPIENT_SUPPRESSED = Reply(550, "5.1.1", "Recipient is on the suppression list")
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "Too many recipients, send the rest separately")
NO_RECIPIENTS = Reply(554, "5.5.1", "No valid recipients")
NULL_SENDER_UNROUTED = Reply(
    550, "5.7.1", "SES takes no null sender and none stands in for it (routes: null_sender)"
)

# Content
TOO_BIG = Reply(552, "5.3.4", "Message is too big")  # RFC 1870 §6.3
BARE_LINE_ENDING = Reply(554, "5.6.0", "Bare CR or LF in the message; lines end with CR LF")
NUL_OCTET = Reply(554, "5.6.0", "NUL octet in the message")
NO_AUTHOR = Reply(554, "5.6.0", "The message has no From header")
MALFORMED = Reply(554, "5.6.0", "Message is malformed")
HEADER_TOO_BIG = Reply(552, "5.3.4", "Message header is too big")
BAD_ATTACHMENT = Reply(554, "5.6.1", "Attachment type not taken by Amazon SES")
CONVERSION = Reply(554, "5.6.3", "Conversion required but not allowed")  # RFC 3463 §3.7
LOOP = Reply(554, "5.4.6", "Mail loop: too many Received fields")
NO_ROOM = Reply(452, "4.3.1", "Not enough room, try again later")
ROOM_YIELDED = Reply(452, "4.3.1", "Content came too slowly and others needed the room")
USER_TOO_FAST = Reply(450, "4.7.1", "Sending limit of this user reached, try again later")

# Responsibility
NOT_KEPT = Reply(451, "4.3.0", "Amazon SES has not taken the message yet, try again later")
STORE_FAULT = Reply(451, "4.3.0", "Cannot keep the message safely now, try again later")
STOPPING = Reply(451, "4.3.2", "Service is stopping, try again later")
NO_TURN = Reply(451, "4.4.5", "No sending capacity in time, try again later")
QUOTA_USED = Reply(451, "4.4.5", "Daily sending quota is used up, try again later")
ACCOUNT_PAUSED = Reply(451, "4.3.2", "Amazon SES has paused sending, try again later")
HELD = Reply(451, "4.7.0", "Mail of this kind is held by the operator, try again later")
ANSWER_LOST = Reply(451, "4.4.2", "No answer from Amazon SES; it may have taken the message")
EXPIRED = Reply(554, "5.4.7", "Message could not be handed to Amazon SES in time")


def relayed(ses_message_id: str) -> Reply:
    """Tell the client that SES took it, with SES's id."""
    return Reply(250, "2.0.0", f"Ok {ses_message_id}")


def queued(queue_id: str) -> Reply:
    """Tell the client that the relay holds it durably."""
    return Reply(250, "2.0.0", f"Ok: queued as {queue_id}")
