"""Google's Gemini, as the developer API and Vertex AI serve it."""
