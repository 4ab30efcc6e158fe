"""How fast a job goes on, measured over what was done since its first items: the start-up is no part of it."""

from __future__ import annotations

from collections import deque

WINDOW_S = 600.0
MAX_POINTS = 5000
TOGETHER_S = 1.0  # items so soon after the first one may have been done beside it
FEWEST_ITEMS = 3


class Pace:
    """The rate of a job over its last ten minutes.

    >>> pace = Pace()
    >>> for now_s, n_done in ((60.0, 1), (62.0, 3), (64.0, 5)):
    ...     pace.count(now_s, n_done)
    >>> pace.per_s
    1.0
    """

    def __init__(self) -> None:
        self._points: deque[tuple[float, int]] = deque()
        self._first_s = 0.0

    def count(self, now_s: float, n_done: int) -> None:
        """Note how many items are done by now. What was done before this job does not belong to them."""
        if not self._points:
            self._first_s = now_s
        elif self._points[-1][1] == n_done:
            return
        elif now_s - self._first_s < TOGETHER_S:
            self._points.clear()
        self._points.append((now_s, n_done))
        while now_s - self._points[0][0] > WINDOW_S or len(self._points) > MAX_POINTS:
            self._points.popleft()

    @property
    def per_s(self) -> float | None:
        """Items per second; None until a few were done after the first ones."""
        if not self._points:
            return None
        (from_s, n_before), (to_s, n_done) = self._points[0], self._points[-1]
        is_known = n_done - n_before >= FEWEST_ITEMS and to_s - from_s >= TOGETHER_S
        return (n_done - n_before) / (to_s - from_s) if is_known else None
