"""Cohere's chat, second version.

The plan that a model makes before it calls tools (``tool_plan``) is text and no reasoning: it is
written to be read, like the sentence that other models say before a call, and so it survives the
next turn in every caller's format. On the way to Cohere the text before calls becomes the plan.
"""
