"""The gateway: one process between Claude clients and the API, with nothing but Python.

``run`` is the command; ``start`` is for programs that have an event loop of their own. ``exchange`` is the life of one
request, and composes the rest; ``target``, ``headers``, ``urls`` and ``content_coding`` know nothing of sockets.
"""

from aws_masker.gateway.service import RunningGateway, run, start

__all__ = ["RunningGateway", "run", "start"]
