"""The suppression lists of SES accounts and our own, kept together.

`passing` tells the story of one pass over one list; `watch` makes passes for as long as the relay
runs. The other modules are the parts of a pass.
"""
