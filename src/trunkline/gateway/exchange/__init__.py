"""The internal form that stands between two wires: never wire to wire.

``parts`` is what a message consists of, ``request`` what a caller asks for, ``reply`` what comes
back, whole or as events; ``embedding`` and ``rerank`` are the two operations that generate nothing.
"""
