"""The names of Ollama's generating formats, and what either has."""

CHAT_NAME = "ollama_chat"
GENERATE_NAME = "ollama_generate"
FAMILY = frozenset({CHAT_NAME, GENERATE_NAME})

# Members that mean the same in either format.
SHARED = ("options", "keep_alive", "truncate", "shift")
