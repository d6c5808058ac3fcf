"""What the formats of Ollama share: settings, images, tool calls, counts, lines and errors.

Source of the shapes: Ollama's ``api/types.go`` and ``server/routes.go`` of August 2026, its Python
SDK 0.6, and the recorded transcripts.
"""
