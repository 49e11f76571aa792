"""Attachment types that SES refuses, told at once with the file's name.

SES goes by the extension of the name alone and opens no archive, and so does this.

SES facts: SES Developer Guide, mime-types (the list of extensions).
Standards: RFC 2183 §2.3 (filename), RFC 2045 §5.1 (name), RFC 3463 §3.7 (X.6.1).
Errors: a `Refusal` that names the file.
"""

from collections.abc import Iterable

from relay.mail.parameters import parameters
from relay.mail.refusal import Refusal
from relay.model import replies
from relay.model.content import Field

_REFUSED = """
    ade adp app asp bas bat cer chm cmd com cpl crt csh der exe fxp gadget hlp hta inf ins isp its
    js jse ksh lib lnk mad maf mag mam maq mar mas mat mau mav maw mda mdb mde mdt mdw mdz msc msh
    msh1 msh2 mshxml msh1xml msh2xml msi msp mst ops pcd pif plg prf prg reg scf scr sct shb shs sys
    ps1 ps1xml ps2 ps2xml psc1 psc2 tmp url vb vbe vbs vps vsmacros vss vst vsw vxd ws wsc wsf wsh
    xnk
"""
REFUSED_EXTENSIONS = frozenset(_REFUSED.split())

_NAMED = {b"content-disposition": "filename", b"content-type": "name"}


def file_names(fields: Iterable[Field]) -> tuple[str, ...]:
    """Give the file names that a part's header states."""
    return tuple(
        name
        for field in fields
        if field.name in _NAMED and b"name" in field.value.lower()
        if (name := parameters(field.value).get(_NAMED[field.name]))
    )


def refused_attachment(fields: Iterable[Field]) -> Refusal | None:
    """Refuse a part whose file name SES would refuse."""
    for name in file_names(fields):
        # A dot or a blank at the end is dropped by the systems that would run the file.
        extension = name.rstrip(". \t").rpartition(".")[2].lower()
        if extension in REFUSED_EXTENSIONS and "." in name:
            return Refusal.of(
                replies.BAD_ATTACHMENT,
                f"Attachment '{name[:100]}': Amazon SES takes no files of type '{extension}'",
            )
    return None
