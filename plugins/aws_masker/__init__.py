"""aws-masker keeps AWS identifiers out of what is sent to the Claude API.

>>> from aws_masker import Masker, Settings
>>> masker = Masker(Settings(key=KEY))                       # doctest: +SKIP
>>> masked = masker.mask_text("stop i-0a1b2c3d4e5f60718")    # doctest: +SKIP
>>> masker.restore_text(masked.text)                         # doctest: +SKIP
'stop i-0a1b2c3d4e5f60718'
"""

from aws_masker.edits import Edit, Masked, MaskedBody
from aws_masker.errors import (
    Blocked,
    CatalogueError,
    InvalidBody,
    MaskerError,
    Overloaded,
    Refused,
    SettingsError,
    TooLarge,
    Unsupported,
    VaultError,
    VaultRequired,
)
from aws_masker.limits import Limits
from aws_masker.masker import Masker
from aws_masker.settings import Settings

__all__ = [
    "Blocked",
    "CatalogueError",
    "Edit",
    "InvalidBody",
    "Limits",
    "Masked",
    "MaskedBody",
    "Masker",
    "MaskerError",
    "Overloaded",
    "Refused",
    "Settings",
    "SettingsError",
    "TooLarge",
    "Unsupported",
    "VaultError",
    "VaultRequired",
]
