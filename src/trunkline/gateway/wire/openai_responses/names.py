"""Words of this wire that several of its modules use."""

from typing import Final

WIRE: Final = "openai_responses"

ENCRYPTED: Final = "reasoning.encrypted_content"
"""What ``include`` names so that thought comes with what its maker wants back."""

LOGPROBS: Final = "message.output_text.logprobs"
"""What ``include`` names for the probabilities of the text's tokens."""
