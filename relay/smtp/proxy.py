"""Who stands behind a HAProxy: the PROXY header, version 1 and 2, read by aiosmtpd's parser.

The header is believed because the listener's `networks` name who may connect, which is the proxy;
the settings are checked for that.

Standards: "The PROXY protocol", HAProxy project.
Errors: `Reply` when there is no good header.
"""

from ipaddress import IPv4Address, IPv6Address

from aiosmtpd.proxy_protocol import V2_CMD, get_proxy

from relay.model import replies
from relay.model.reply import Reply
from relay.smtp.inbound import Inbound
from relay.smtp.users import Host


async def client_behind_proxy(inbound: Inbound, proxy: Host | None) -> Host | Reply | None:
    """Read the header; give the client's address, or the proxy's own when it speaks for itself."""
    try:
        said = await get_proxy(inbound)
    except EOFError:
        return replies.PROXY_HEADER
    if not said.valid:
        return replies.PROXY_HEADER
    if said.command == V2_CMD.LOCAL:
        return proxy
    if isinstance(said.src_addr, IPv4Address):
        return said.src_addr
    if isinstance(said.src_addr, IPv6Address):
        return said.src_addr.ipv4_mapped or said.src_addr
    return proxy  # UNKNOWN, or a unix socket behind the proxy
