"""The counting process: names of files come in, one on a line; usage goes out, one line for each.

It lives as long as there is something to count, since the tokenizer's data is large.
"""

import sys
from pathlib import Path

import msgspec

from trunkline.ledger.recount.texts import decode
from trunkline.ledger.recount.tokens import recounted


def main() -> None:
    """Count until the end of the input."""
    encode = msgspec.json.Encoder().encode
    for line in sys.stdin:
        usage = recounted(decode(Path(line.rstrip("\n")).read_bytes()))
        sys.stdout.buffer.write(encode(usage) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
