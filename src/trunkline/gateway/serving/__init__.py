"""The server's edges: connections, the requests on them, and what bounds both.

From the bottom up: ``edges`` and ``head`` are values and pure functions, ``body`` and ``client``
are one request and its answer, ``asgi`` is the ordinary interface on top, ``lifecycle`` is what
all connections share, ``intake`` is a request's head, ``connection`` parses and guards.
"""
