"""Google's Gemini: generateContent, streamGenerateContent and countTokens."""
