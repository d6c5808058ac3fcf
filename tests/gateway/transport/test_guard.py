"""Which addresses a provider may have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.gateway.transport import AddressGuard, AddressRefused

PUBLIC = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"]
SPECIAL = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.1.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "100::1",
    "2001:db8::1",
    "2001:20::1",
    "3fff::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%2",
    "fec0::1",
    "ff02::1",
]
METADATA = [
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "168.63.129.16",
    "100.100.100.200",
    "192.0.0.192",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "::ffff:169.254.169.254",
    "64:ff9b::169.254.169.254",
    "2002:a9fe:a9fe::1",
]
# Each hides 10.0.0.1; NAT64 has a well-known and a local prefix, Teredo stores the inverse.
HIDDEN = {
    "mapped": ("::ffff:10.0.0.1", "::ffff:0:0/96"),
    "compatible": ("::10.0.0.1", "::/96"),
    "NAT64": ("64:ff9b::10.0.0.1", "64:ff9b::/96"),
    "local NAT64": ("64:ff9b:1::10.0.0.1", "64:ff9b:1::/48"),
    "6to4": ("2002:0a00:0001::1", "2002::/16"),
    "Teredo": ("2001:0:4136:e378:8000:63bf:f5ff:fffe", "2001::/32"),
}
EVERYTHING = ("0.0.0.0/0", "::/0")


def is_allowed(guard: AddressGuard, address: str, *, private: bool) -> bool:
    try:
        guard.check(address, private=private)
    except AddressRefused:
        return False
    return True


@pytest.mark.parametrize("address", PUBLIC)
@pytest.mark.parametrize("private", [False, True])
def test_a_public_address_is_allowed(address: str, private: bool) -> None:
    assert is_allowed(AddressGuard(), address, private=private)


@pytest.mark.parametrize("address", SPECIAL)
def test_a_special_address_needs_both_the_operators_list_and_a_private_connection(
    address: str,
) -> None:
    listing = AddressGuard(EVERYTHING)
    assert [
        is_allowed(guard, address, private=private)
        for guard in (AddressGuard(), listing)
        for private in (False, True)
    ] == [False, False, False, True]


@pytest.mark.parametrize("address", METADATA)
def test_a_metadata_address_is_never_allowed(address: str) -> None:
    guard = AddressGuard(EVERYTHING)
    with pytest.raises(AddressRefused, match="metadata"):
        guard.check(address, private=True)


@pytest.mark.parametrize("form", HIDDEN)
def test_a_hidden_address_needs_its_form_and_itself_listed(form: str) -> None:
    address, network = HIDDEN[form]
    assert [
        is_allowed(AddressGuard(networks), address, private=private)
        for networks in ((), (network,), ("10.0.0.0/8",), (network, "10.0.0.0/8"))
        for private in (False, True)
    ] == [False, False, False, False, False, False, False, True]


def test_a_listed_nat64_prefix_reaches_public_addresses_without_more() -> None:
    guard = AddressGuard(["64:ff9b::/96"])
    assert is_allowed(guard, "64:ff9b::8.8.8.8", private=False)
    assert not is_allowed(AddressGuard(), "64:ff9b::8.8.8.8", private=True)


def test_only_the_listed_network_is_opened() -> None:
    guard = AddressGuard(["10.1.0.0/16", "fd00:1::/32"])
    addresses = ["10.1.0.5", "10.2.0.5", "fd00:1::5", "fd00:2::5", "127.0.0.1"]
    assert [is_allowed(guard, address, private=True) for address in addresses] == [
        True,
        False,
        True,
        False,
        False,
    ]
    assert repr(guard) == "AddressGuard(['10.1.0.0/16', 'fd00:1::/32'])"


@given(st.ip_addresses())
def test_what_passes_without_a_list_is_global_for_the_standard_library_too(
    address: object,
) -> None:
    text = str(address)
    if is_allowed(AddressGuard(), text, private=True):
        assert address.is_global  # type: ignore[attr-defined] # an address of either version


@pytest.mark.parametrize(
    "name", ["metadata.google.internal", "METADATA.Google.Internal.", "metadata", "instance-data"]
)
def test_the_names_of_metadata_services_are_refused(name: str) -> None:
    with pytest.raises(AddressRefused, match="metadata"):
        AddressGuard().check_name(name)


def test_other_names_pass() -> None:
    AddressGuard().check_name("api.openai.com")


@pytest.mark.parametrize("entry", ["10.0.0.1/8", "ten", "300.0.0.0/8"])
def test_an_entry_that_is_no_network_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match=entry):
        AddressGuard([entry])
