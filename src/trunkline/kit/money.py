"""Money as integers of nano-dollars (1e-9 USD); JSON carries decimal strings of dollars."""

from decimal import Decimal, InvalidOperation

NANO_PER_USD = 1_000_000_000
TOKENS_PER_PRICE = 1_000_000


def parse_usd(text: str) -> int:
    """Nano-dollars of a decimal string such as ``"12.50"``.

    Raises:
        ValueError: when the text is no finite decimal, or is finer than one nano-dollar.
    """
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not an amount of dollars such as 12.50") from None
    if not amount.is_finite():
        raise ValueError(f"{text!r} is not a finite amount of dollars")
    nano = amount * NANO_PER_USD
    if nano != nano.to_integral_value():
        raise ValueError(f"{text!r} is finer than one nano-dollar (nine decimal places)")
    return int(nano)


def format_usd(nano: int) -> str:
    """Exact dollars of an amount of nano-dollars, at least two decimal places."""
    # Nine digits are behind the point, and the first two of them stay.
    digits = str(nano).zfill(10 if nano >= 0 else 11)
    return f"{digits[:-9]}.{digits[-9:-7]}{digits[-7:].rstrip('0')}"
