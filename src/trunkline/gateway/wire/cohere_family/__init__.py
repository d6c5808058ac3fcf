"""What the formats of Cohere's second API share: usage, errors and ids.

Source of the shapes: the types of Cohere's own SDK 7.3 and the recorded transcripts.
"""
