"""Corpora: samples made from what public packages hold, one module for each kind of source."""
