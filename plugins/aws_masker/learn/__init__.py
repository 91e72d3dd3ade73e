"""Learning: from what AWS tools print to the names in it. Sans-IO; ``inventory`` keeps what is learned."""

from aws_masker.learn.collect import LEFT_OUT, Collector, Learned, merged
from aws_masker.learn.documents import documents, lines
from aws_masker.learn.sources import Item, items, line_item

__all__ = ["LEFT_OUT", "Collector", "Item", "Learned", "documents", "items", "line_item", "lines", "merged"]
