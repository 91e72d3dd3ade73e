"""What is written down of each request and its answer, and who gets it. Never an original.

``record`` is the record itself, ``hub`` hands it to those who listen.
"""

from aws_masker.audit.hub import Bodies, Listener, Records
from aws_masker.audit.record import SCHEMA, STAGES, AuditRecord, parse

__all__ = ["SCHEMA", "STAGES", "AuditRecord", "Bodies", "Listener", "Records", "parse"]
