"""Reads the configuration of a LiteLLM proxy and writes it as one of ours.

Sources: LiteLLM's documentation of its proxy's settings and of its router, and the parameters that
its router and its deployments declare, as of version 1.102.
"""
