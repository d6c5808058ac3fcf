"""OpenAI's images, speech, transcriptions and moderations: they pass, and are metered."""
