"""The server's edges: connections, the requests on them, and what bounds both.

From the bottom up: ``edges`` and ``head`` are values and pure functions; ``body`` and ``client``
are one request and its answer, with ``asgi`` as the ordinary interface on top; ``lifecycle`` is
what all connections share; ``request_head`` and ``reader`` cut bytes into requests, and
``connection`` puts them in order and guards them.
"""
