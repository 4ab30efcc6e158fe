"""The password of a server that other computers may reach: kept as a hash, and slow to guess."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable

from leopardnet.core.errors import ConfigError
from leopardnet.review.request_error import RequestError

MIN_CHARACTERS = 10
MAX_CHARACTERS = 200
FREE_TRIES = 5
WAIT_S, MAX_WAIT_S = 2.0, 300.0
MAX_ADDRESSES = 1000


class PasswordLock:
    """A password, and how often each address has failed.

    After FREE_TRIES wrong ones in a row, an address waits, each time twice as long. So do all together after twenty
    times as many, because a network has more than one address.
    """

    def __init__(self, password: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises ConfigError for a password that is too short to resist."""
        if len(password) < MIN_CHARACTERS:
            raise ConfigError(
                "the password is too short",
                found=f"{len(password)} characters",
                expected=f"at least {MIN_CHARACTERS}, such as four words",
            )
        self._salt, self._clock, self._lock = secrets.token_bytes(16), clock, threading.Lock()
        self._hash = self._digest(password)
        self._failed: dict[str, tuple[int, float]] = {}

    def _digest(self, password: str) -> bytes:
        return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=self._salt, n=2**14, r=8, p=1)

    def try_password(self, password: str, address: str) -> bool:
        """Return whether it is the password. Raises RequestError (429) where this address has to wait."""
        with self._lock:  # one at a time: a guess costs the guesser, not all cores
            now = self._clock()
            for who, free in ((address, FREE_TRIES), ("", 20 * FREE_TRIES)):
                n, last = self._failed.get(who, (0, 0.0))
                wait_s = min(WAIT_S * 2 ** min(n - free, 20), MAX_WAIT_S) if n >= free else 0.0
                if now - last < wait_s:
                    raise RequestError(
                        "too many wrong passwords", status=429, todo=f"wait {wait_s - (now - last):.0f} s"
                    )
            is_right = len(password) <= MAX_CHARACTERS and hmac.compare_digest(self._digest(password), self._hash)
            if is_right:
                self._failed.pop(address, None)
                self._failed.pop("", None)
                return True
            if len(self._failed) > MAX_ADDRESSES:
                self._failed = {"": self._failed[""]}
            for who in (address, ""):
                self._failed[who] = (self._failed.get(who, (0, 0.0))[0] + 1, now)
            return False
