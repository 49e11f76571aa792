"""ses-relay: an SMTP relay gateway in front of Amazon SES."""
