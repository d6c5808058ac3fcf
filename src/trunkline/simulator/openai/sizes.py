"""What counts as input on OpenAI's wires besides text."""

MESSAGE_OVERHEAD = 4
PROMPT_OVERHEAD = 3
LOW_DETAIL_IMAGE = 85
HIGH_DETAIL_IMAGE = 765
FILE_TOKENS = 2000
