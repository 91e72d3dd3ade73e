"""The inventory: names that are known before a conversation begins, in a file that only the key opens.

One file holds the names of all tenants that use one key, a section for each. A section is sealed with AES-256-GCM under
a key made from the master key and the tenant's name, so a tenant's names are read with that tenant's name and key only.
The file tells how many tenants there are and, by lengths, about how many names each has; no name, no tenant.

Who masks reads the file once, at start: what is masked in a running conversation must not change because a file did.
A file is replaced as a whole, under a lock: a reader sees the old or the new one, and what cannot be read is never
overwritten.
"""

import base64
import contextlib
import hmac
import json
import os
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aws_masker.errors import SettingsError, TooLarge
from aws_masker.keys import derive, master_keys
from aws_masker.settings import Settings

if sys.platform != "win32":
    import fcntl

FORMAT: Final = "aws-masker inventory 1"
NONCE_BYTES: Final = 12
PLACE_BYTES: Final = 16
KEY_ID_BYTES: Final = 6
# Far more than the names of a few hundred tenants; a wrong path may name something endless.
MOST_BYTES: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one tenant: names with the family of each, and names that are not to be learned again."""

    names: Mapping[str, str] = field(default_factory=dict, repr=False)
    forgotten: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(frozen=True, slots=True)
class _Section:
    """The sealed names of one tenant. ``key`` tells which master key seals them, ``place`` whose they are."""

    key: str
    place: str
    sealed: bytes = field(repr=False)


class Inventory:
    """What a file holds, as it was when it was read."""

    def __init__(self, masters: Sequence[bytes], sections: Sequence[_Section] = (), where: str = "") -> None:
        """Take the master keys, the current one first; ``where`` is how errors call the file."""
        self._keys = [_Key(master) for master in masters]
        self._sections = {(section.key, section.place): section for section in sections}
        self._where = where

    @classmethod
    def of(cls, settings: Settings) -> "Inventory":
        """Return the inventory that ``settings`` name, an empty one where they name none.

        Raises SettingsError when there is no such file, or it cannot be read, or is none.
        """
        if not settings.inventory:
            return cls(masters(settings))
        return cls.read(Path(settings.inventory).expanduser(), masters(settings))

    @classmethod
    def read(cls, path: Path, masters: Sequence[bytes]) -> "Inventory":
        """Return what the file ``path`` holds. Raises SettingsError."""
        where = f"the inventory {path}"
        try:
            with path.open("rb") as file:
                raw = file.read(MOST_BYTES + 1)
        except FileNotFoundError:
            message = f"{where} does not exist: `aws-masker learn` makes it, or leave the setting inventory out"
            raise SettingsError(message) from None
        except OSError as error:
            message = f"{where} cannot be read ({error.strerror})"
            raise SettingsError(message) from None
        if len(raw) > MOST_BYTES:
            message = f"{where} is larger than {MOST_BYTES} bytes, and so is none: name another file"
            raise SettingsError(message)
        return cls(masters, _parsed(raw, where), where)

    def of_tenant(self, tenant: str) -> Known:
        """Return what is known of ``tenant``: nothing where nothing was learned.

        Raises SettingsError when it was sealed with another key, or damaged.
        """
        for key in self._keys:
            section = self._sections.get((key.id, key.place(tenant)))
            if section is not None:
                opened = key.opened(tenant, section.sealed)
                if opened is None:
                    raise SettingsError(_damaged(self._where))
                return opened
        ours = {key.id for key in self._keys}
        if any(key not in ours for key, _ in self._sections):
            message = (
                f"{self._where} was sealed with another key: give the key with which it was learned "
                "(accepted_keys takes it too), or remove the file and learn again"
            )
            raise SettingsError(message)
        return Known()

    def with_tenant(self, tenant: str, known: Known) -> "Inventory":
        """Return the inventory with ``known`` for ``tenant``, sealed under the current key."""
        current = self._keys[0]
        section = _Section(current.id, current.place(tenant), current.sealed(tenant, known))
        old = {(key.id, key.place(tenant)) for key in self._keys}
        others = [one for place, one in self._sections.items() if place not in old]
        return Inventory([key.master for key in self._keys], [*others, section], self._where)

    def is_current(self, tenant: str) -> bool:
        """Tell whether what is known of ``tenant`` is sealed under the current key."""
        current = self._keys[0]
        return (current.id, current.place(tenant)) in self._sections

    def written(self) -> bytes:
        """Return the content of the file."""
        sections = [
            {"key": one.key, "place": one.place, "sealed": base64.b64encode(one.sealed).decode("ascii")}
            for one in self._sections.values()
        ]
        return json.dumps({"format": FORMAT, "sections": sections}, indent=1).encode() + b"\n"


def known_names(inventory: Inventory, settings: Settings) -> Mapping[str, str]:
    """Return the names that the tenant of ``settings`` has from the start, and the family of each.

    Raises SettingsError for a section that cannot be opened, or holds more than the limit.
    """
    names = inventory.of_tenant(settings.tenant).names
    if len(names) > settings.limits.inventory:
        message = (
            f"the inventory holds {len(names)} names, more than limits.inventory ({settings.limits.inventory}): "
            "raise the limit, or forget some of them"
        )
        raise SettingsError(message)
    return names


def change(path: Path, settings: Settings, alter: Callable[[Known], Known]) -> tuple[Known, Known]:
    """Replace what the file ``path`` knows of the tenant of ``settings`` by what ``alter`` makes of it.

    Makes the file (mode 0600) and its folder (0700) where they are missing. Returns what was known before and what is
    now. Raises SettingsError when the file cannot be read or written, TooLarge when there would be more names than
    ``limits.inventory``: the file is then as it was.
    """
    keys = masters(settings)
    path = path.resolve()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(path.parent):
            inventory = Inventory.read(path, keys) if path.exists() else Inventory(keys)
            before = inventory.of_tenant(settings.tenant)
            after = alter(before)
            most = settings.limits.inventory
            if len(after.names) > most:
                message = (
                    f"there would be {len(after.names)} names in the inventory, more than limits.inventory ({most}): "
                    "learn from less, or raise the limit here and wherever the inventory is used"
                )
                raise TooLarge(message)
            if after != before or not inventory.is_current(settings.tenant):
                _replace(path, inventory.with_tenant(settings.tenant, after).written())
    except OSError as error:
        message = f"the inventory {path} cannot be written ({error.strerror}): name another with --inventory"
        raise SettingsError(message) from None
    return before, after


def forget(known: Known, names: frozenset[str]) -> Known:
    """Return ``known`` without ``names``, which are not learned from documents again."""
    kept = {name: family for name, family in known.names.items() if name not in names}
    return replace(known, names=kept, forgotten=known.forgotten | names)


class _Key:
    """One master key's work on an inventory."""

    def __init__(self, master: bytes) -> None:
        self.master = master
        self.id = derive(master, "inventory key id", KEY_ID_BYTES).hex()
        self._place_key = derive(master, "inventory place")
        self._seal_key = derive(master, "inventory seal")

    def place(self, tenant: str) -> str:
        return hmac.digest(self._place_key, _bytes(tenant), "sha256")[:PLACE_BYTES].hex()

    def sealed(self, tenant: str, known: Known) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        content = {"names": dict(sorted(known.names.items())), "forgotten": sorted(known.forgotten)}
        return nonce + self._cipher(tenant).encrypt(nonce, json.dumps(content).encode(), self._bound(tenant))

    def opened(self, tenant: str, sealed: bytes) -> Known | None:
        """Return what is sealed, or None when it was not sealed so."""
        nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        if len(nonce) < NONCE_BYTES:
            return None
        try:
            content = json.loads(self._cipher(tenant).decrypt(nonce, rest, self._bound(tenant)))
        except InvalidTag:
            return None
        return Known(content["names"], frozenset(content["forgotten"]))

    def _cipher(self, tenant: str) -> AESGCM:
        return AESGCM(hmac.digest(self._seal_key, _bytes(tenant), "sha256"))

    @staticmethod
    def _bound(tenant: str) -> bytes:
        return FORMAT.encode() + b"\0" + _bytes(tenant)


def masters(settings: Settings) -> tuple[bytes, ...]:
    """Return the master keys under which an inventory may be sealed, the current one first. Raises SettingsError."""
    return master_keys(settings.key, settings.accepted_keys)


def _parsed(raw: bytes, where: str) -> list[_Section]:
    try:
        content = json.loads(raw)
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            message = f"{where} is no inventory of this version: name the file that `aws-masker learn` wrote"
            raise SettingsError(message)
        return [_section(one) for one in content["sections"]]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        if isinstance(error, SettingsError):
            raise
        raise SettingsError(_damaged(where)) from None


def _section(one: Mapping[str, Any]) -> _Section:
    return _Section(str(one["key"]), str(one["place"]), base64.b64decode(one["sealed"], validate=True))


def _damaged(where: str) -> str:
    return f"{where} is damaged: bring it back from a copy, or remove it and learn again"


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep others who would change a file in ``folder`` waiting; Windows has no such lock."""
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
