"""Where a channel may connect to: names are resolved here, and what is not of the public net is barred.

An address in the settings or in a pack may be written by somebody who may not reach what this machine
reaches (server-side request forgery, CWE-918). So the name is resolved once, every address it has is
looked at, and the connection goes to the very address that was looked at: a name that answers otherwise
a moment later gains nothing.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from anlan.channels.deadline import Aside

_NAT64 = IPv6Network("64:ff9b::/96")
_RESOLVER = Aside("resolver")


class Barred(Exception):
    """Every address of the name is of a private, local or otherwise special network."""


def resolve(host: str, port: int, seconds: float, *, private: bool) -> tuple[str, ...]:
    """The IP addresses of `host` that may be connected to, in the resolver's order. Barred when there is
    none among those it has (`private` True lets every one pass); OSError when it has none, TooLate
    (an OSError) when the resolver does not answer in time."""
    found = _RESOLVER.call(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), seconds)
    addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    allowed = tuple(address for address in addresses if private or is_public(address))
    if not allowed:
        raise Barred(f"{host} is {', '.join(addresses)}: not an address of the public net")
    return allowed


def is_public(address: str) -> bool:
    """Whether an IP address is of the public net; of an IPv6 address that carries an IPv4 one (mapped,
    6to4, NAT64), whether that is too."""
    found = ip_address(address.partition("%")[0])
    if not found.is_global or found.is_multicast:
        return False
    inner = _carried(found) if isinstance(found, IPv6Address) else None
    return inner is None or (inner.is_global and not inner.is_multicast)


def _carried(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour
