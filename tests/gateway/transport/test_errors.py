"""The tree of errors."""

from trunkline.gateway.transport import TransportError


def test_every_error_has_the_code_that_its_name_says() -> None:
    codes = {error.__name__: error.code for error in TransportError.__subclasses__()}
    assert codes == {
        "AddressRefused": "address_refused",
        "BodyTooLarge": "body_too_large",
        "ConnectFailed": "connect_failed",
        "ConnectTimeout": "connect_timeout",
        "ConnectionLost": "connection_lost",
        "DecodingFailed": "decoding_failed",
        "FirstByteTimeout": "first_byte_timeout",
        "HeadTooLarge": "head_too_large",
        "IdleTimeout": "idle_timeout",
        "NameNotResolved": "name_not_resolved",
        "PoolTimeout": "pool_timeout",
        "ProtocolViolation": "protocol_violation",
        "TLSFailed": "tls_failed",
        "TotalTimeout": "total_timeout",
    }


def test_an_error_counts_as_not_sent_unless_it_says_otherwise() -> None:
    assert [TransportError("x").sent, TransportError("x", sent=True).sent] == [False, True]
