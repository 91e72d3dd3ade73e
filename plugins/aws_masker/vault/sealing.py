"""Sealing: what a store gets to see instead of tenants and originals.

Two keys are derived from a master key (HKDF-SHA256, distinct info strings): one names places, one seals values. While
keys are being changed there are further master keys, under which values are read but not written.

- A tenant's *place* is a keyed hash (HMAC-SHA256, 128 bits) of its name. Without the key nobody can tell which tenant
  a row belongs to, nor try names.
- A value is sealed with AES-256-GCM under a key of the tenant's own (HMAC-SHA256 of its name). The associated data
  bind version, tenant and token: a value that is copied to another token, tenant or version does not open.
- The nonce is random, 96 bits, a new one each time. Up to 2^32 values may be sealed under one key before a repeated
  nonce becomes likelier than 2^-32 (NIST SP 800-38D, 8.3): a tenant that writes ten new values a second gets there
  in 13 years.

A sealed value is ``version (1 byte) || nonce (12) || ciphertext || tag (16)``. Its length tells the original's length.
"""

import hmac
import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aws_masker.keys import derive

VERSION = b"\x01"
NONCE_BYTES = 12
PLACE_BYTES = 16
# Tenants whose derived keys are kept: to derive them again takes microseconds.
TENANTS_CACHED = 1024

_HEADER_BYTES = len(VERSION) + NONCE_BYTES


class Sealer:
    """The sealing for all tenants. Thread-safe."""

    def __init__(self, master: bytes, accepted: Iterable[bytes] = ()) -> None:
        """Take the 32 bytes of the master key, and those of further ones under which there may be older values."""
        self._keys = [(derive(one, "vault place"), derive(one, "vault seal")) for one in (master, *accepted)]
        self._unreadable = 0
        self._lock = threading.Lock()
        self.all_of = lru_cache(TENANTS_CACHED)(self._all_of)

    @property
    def unreadable(self) -> int:
        """How many sealed values did not open so far."""
        return self._unreadable

    def of(self, tenant: str) -> "TenantSealer":
        """Return the sealing for ``tenant`` under the master key: that for new values."""
        return self.all_of(tenant)[0]

    def _all_of(self, tenant: str) -> tuple["TenantSealer", ...]:
        """Return the sealings under which ``tenant`` may have values: that for new ones first."""
        name = _bytes(tenant)
        return tuple(
            TenantSealer(
                place=hmac.digest(place_key, name, "sha256")[:PLACE_BYTES].hex(),
                cipher=AESGCM(hmac.digest(seal_key, name, "sha256")),
                bound=VERSION + len(name).to_bytes(4, "big") + name,
                sealer=self,
            )
            for place_key, seal_key in self._keys
        )

    def count_unreadable(self) -> None:
        """Count one value that did not open."""
        with self._lock:
            self._unreadable += 1


@dataclass(frozen=True, slots=True)
class TenantSealer:
    """The sealing for one tenant under one key. ``place`` is the tenant's name for the store: 32 hexadecimal digits."""

    place: str
    cipher: AESGCM = field(repr=False)
    bound: bytes = field(repr=False)
    sealer: Sealer = field(repr=False)

    def seal(self, token: str, original: str) -> bytes:
        """Return ``original`` sealed for ``token``. Lone surrogates survive."""
        nonce = os.urandom(NONCE_BYTES)
        return VERSION + nonce + self.cipher.encrypt(nonce, _bytes(original), self.bound + _bytes(token))

    def open(self, token: str, sealed: bytes) -> str | None:
        """Return what was sealed for ``token``, or None (counted) if this is no value of this tenant, token and key."""
        nonce = sealed[len(VERSION) : _HEADER_BYTES]
        if sealed.startswith(VERSION) and len(nonce) == NONCE_BYTES:
            try:
                value = self.cipher.decrypt(nonce, sealed[_HEADER_BYTES:], self.bound + _bytes(token))
            except InvalidTag:
                pass
            else:
                return value.decode("utf-8", "surrogatepass")
        self.sealer.count_unreadable()
        return None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
