"""The address guard: which addresses a provider may have.

Organisations choose the URLs of their connections, so without a guard a connection would be a
door into the operator's own network and to the cloud's metadata service. Names are looked up once
and the checked address is the one that is connected to, so a name cannot change its answer
between check and use.
"""

from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from typing_extensions import override

from trunkline.gateway.transport.errors import AddressRefused

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# IANA special-purpose registry for IPv4: nothing in it is a host on the public internet.
_SPECIAL_IPV4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Public IPv6 hosts live in 2000::/3; these parts of it are special (IANA registry for IPv6).
_GLOBAL_IPV6 = IPv6Network("2000::/3")
_SPECIAL_IPV6 = tuple(
    IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_IPV4_COMPATIBLE = IPv6Network("::/96")

# Services that hand out the machine's own credentials: AWS (instance, task, pod), Google, Azure,
# Alibaba, Oracle. Azure's lies in public space, so the special networks alone are not enough.
_METADATA_ADDRESSES: frozenset[Address] = frozenset(
    ip_address(address)
    for address in (
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
    )
)
_METADATA_NAMES = frozenset(
    {
        "metadata",
        "metadata.google.internal",
        "metadata.goog",
        "metadata.azure.internal",
        "instance-data",
        "instance-data.ec2.internal",
    }
)


class AddressGuard:
    """Refuses what is not on the public internet, unless the operator lists its network.

    - A metadata address or name is refused always.
    - A public address is allowed.
    - Any other address is allowed if it lies in ``allowed_networks`` and the connection was
      configured for a private address by the operator.
    - An IPv6 address that embeds an IPv4 one (mapped, compatible, NAT64, 6to4, Teredo) needs its
      own form listed, and the embedded address is then judged as if it had been given.

    It has no state that changes.
    """

    def __init__(self, allowed_networks: Iterable[str] = ()) -> None:
        """Read the operator's list.

        Raises:
            ValueError: an entry is not a network such as 10.0.0.0/8.
        """
        self._allowed = tuple(ip_network(network) for network in allowed_networks)

    @override
    def __repr__(self) -> str:
        return f"AddressGuard({[str(network) for network in self._allowed]})"

    def check_name(self, host: str) -> None:
        """Refuse the names of metadata services, whatever they resolve to.

        Raises:
            AddressRefused: it is one.
        """
        if host.rstrip(".").lower() in _METADATA_NAMES:
            raise AddressRefused(f"{host} is the name of a metadata service")

    def check(self, address: str, *, private: bool) -> None:
        """Refuse an IP address that may not be connected to.

        Args:
            address: textual IPv4 or IPv6 address, with or without a zone.
            private: whether the operator configured the connection for a private address.

        Raises:
            AddressRefused: it is a metadata address, or special and not allowed.
        """
        self._judge(ip_address(address.partition("%")[0]), address, private=private)

    def _judge(self, address: Address, shown: str, *, private: bool) -> None:
        if address in _METADATA_ADDRESSES:
            raise AddressRefused(f"{shown} is the address of a metadata service")
        embedded = _embedded_ipv4(address)
        if embedded is not None:
            self._judge(embedded, shown, private=private)
            if not self._is_allowed(address):
                raise AddressRefused(f"{shown} hides an IPv4 address in an IPv6 one")
        elif _is_special(address):
            if not self._is_allowed(address):
                raise AddressRefused(f"{shown} is not a public address")
            if not private:
                raise AddressRefused(f"{shown} is private, but the connection is not")

    def _is_allowed(self, address: Address) -> bool:
        return any(address in network for network in self._allowed)


def _is_special(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return any(address in network for network in _SPECIAL_IPV4)
    return address not in _GLOBAL_IPV6 or any(address in network for network in _SPECIAL_IPV6)


def _embedded_ipv4(address: Address) -> IPv4Address | None:
    """The IPv4 address that a transition form leads to, or None for any other address."""
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    low = int(address) & 0xFFFFFFFF
    if any(address in network for network in _NAT64):
        return IPv4Address(low)
    if address in _IPV4_COMPATIBLE and low > 1:
        return IPv4Address(low)
    return None
