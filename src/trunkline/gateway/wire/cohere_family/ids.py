"""Ids in Cohere's style."""

_UUID_LETTERS = 32


def answer_id(seed: str) -> str:
    """Our id of a request as the UUID that Cohere's answers are named by."""
    if len(seed) != _UUID_LETTERS:
        return seed
    return f"{seed[:8]}-{seed[8:12]}-{seed[12:16]}-{seed[16:20]}-{seed[20:]}"
