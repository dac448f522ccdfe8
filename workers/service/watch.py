"""Looks whether other models are to judge or to be tried, loads them, and hands them over.

Places are asked for their content every so often, which sees a change on any volume, however it
is mounted (a claim, a ConfigMap, an object store), where notices of the file system are lost; a
signal can ask at once. All of it happens on a thread beside the work, until a model is verified,
has given its golden logits and is warm: only then it is handed over, which is one assignment.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from models.engines.exhaustion import is_exhaustion
from models.errors import (
    DetectorError,
    DigestError,
    GoldenError,
    ModelError,
    RegistryError,
    ShapeError,
    SignatureError,
)
from workers.judge import Judge
from workers.metrics.service import Refusal, Role, ServiceMeters
from workers.retrying import Reporter
from workers.service.place import Holding, Place
from workers.settings.policies import RetryPolicy

journal = structlog.get_logger(__name__)

_REFUSALS: tuple[tuple[type[Exception], Refusal], ...] = (
    (SignatureError, Refusal.SIGNATURE),
    (DigestError, Refusal.DIGEST),
    (ShapeError, Refusal.SHAPE),
    (GoldenError, Refusal.GOLDEN),
    (DetectorError, Refusal.DETECTOR),
    (RegistryError, Refusal.REGISTRY),
)

_CONSEQUENCE = {
    Role.SERVICE: "the model in service goes on",
    Role.SHADOW: "the shadow stays as it was",
    Role.CANARY: "the canary stays as it was",
}


@dataclass(slots=True, kw_only=True)
class Post:
    """A role that models are looked for.

    Attributes:
        role: Which.
        place: Where its model is.
        load: Loads what the place holds: verified, golden logits given, warm.
        take: Is handed the model; None if there is none any more.
        digest: Of the model that has the role.
        settled: What was handed over, or refused for good until it changes.
    """

    role: Role
    place: Place
    load: Callable[[], Judge]
    take: Callable[[Judge | None], None]
    digest: str | None = None
    settled: Holding | None = field(default=None)


class Watch:
    """Looks after posts on a thread of its own. `start` it, in the end `close` it.

    Args:
        posts: To look after.
        interval_s: Seconds between two looks; 0 looks at the start, and when told to.
        meters: Told of refusals.
        retry: How often the journal tells of what goes on.
    """

    def __init__(
        self,
        posts: Sequence[Post],
        interval_s: float,
        meters: ServiceMeters,
        retry: RetryPolicy | None = None,
    ) -> None:
        self._posts = [post for post in posts if not post.place.fixed]
        self._interval = interval_s or None
        self._meters = meters
        self._reporter = Reporter(retry or RetryPolicy())
        self._wake = threading.Event()
        self._anew = False
        self._closed = False
        for post in self._posts:
            meters.watched(post.role)
        self._thread = threading.Thread(target=self._run, name="weir-watch", daemon=True)

    def start(self) -> None:
        """Begin to look, at once."""
        if self._posts:
            self._thread.start()

    def look(self) -> None:
        """Look at once, also at what was refused before; from any thread or a signal handler."""
        self._anew = True
        self._wake.set()

    def close(self, timeout: float) -> None:
        """Look no more; a load that is under way is waited for ``timeout`` seconds."""
        self._closed = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def once(self) -> None:
        """Look at all posts, one after another."""
        for post in self._posts:
            if self._closed:
                return
            try:
                self._see_to(post)
            except Exception as error:  # noqa: BLE001 - whatever a model raises, others go on
                self._refuse(post, post.settled, error)

    def _run(self) -> None:
        while not self._closed:
            self._wake.clear()
            if self._anew:
                self._anew = False
                for post in self._posts:
                    post.settled = None
            self.once()
            self._wake.wait(self._interval)

    def _see_to(self, post: Post) -> None:
        try:
            holding = post.place.holding()
        except ModelError as error:
            # Nobody can say what is to be loaded: nothing to refuse, and to be told again.
            self._reporter.report(
                f"it cannot be told which model is to be there ({post.role}); "
                f"{_CONSEQUENCE[post.role]}",
                error,
            )
            return
        if holding is None:
            if post.digest is not None:
                post.digest, post.settled = None, None
                post.take(None)
            return
        if holding == post.settled:
            return
        if holding.digest == post.digest and holding.sound:
            post.settled = holding
            return
        try:
            judge = post.load()
        except Exception as error:  # noqa: BLE001 - a model of somebody's making may raise anything
            self._refuse(post, holding, error)
            return
        if self._closed:
            return
        post.digest, post.settled = judge.model.digest, holding
        post.take(judge)

    def _refuse(self, post: Post, holding: Holding | None, error: Exception) -> None:
        if getattr(error, "retriable", False):
            self._reporter.report(f"a model cannot be loaded just now ({post.role})", error)
            return
        post.settled = holding
        refusal = refusal_of(error)
        self._meters.refused(post.role, refusal)
        journal.error(
            f"a model is refused; {_CONSEQUENCE[post.role]}, and it is not tried again until the "
            "pointer or its files change, or SIGHUP asks for it",
            role=post.role.value,
            model=None if holding is None else holding.what,
            cause=refusal.value,
            error=str(error)
            if isinstance(error, ModelError)
            else f"{type(error).__name__}: {error}",
        )


def refusal_of(error: Exception) -> Refusal:
    """The word for why a model was refused."""
    for kind, refusal in _REFUSALS:
        if isinstance(error, kind):
            return refusal
    return Refusal.MEMORY if is_exhaustion(error) else Refusal.OTHER
