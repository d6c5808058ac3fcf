"""Keeps answers for repeats of a request that carries an ``Idempotency-Key``."""
