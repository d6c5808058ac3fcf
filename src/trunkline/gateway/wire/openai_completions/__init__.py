"""OpenAI's text completions: a prompt is continued, or the gap before a suffix is filled."""
